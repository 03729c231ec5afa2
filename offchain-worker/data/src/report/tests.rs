//! What a look tells, of good data and of what cheats would hand in.

use super::*;

const WORDS: [&str; 40] = [
    "el",
    "la",
    "casa",
    "tiempo",
    "mundo",
    "hombre",
    "mujer",
    "día",
    "noche",
    "camino",
    "libro",
    "palabra",
    "ciudad",
    "agua",
    "tierra",
    "cuando",
    "porque",
    "siempre",
    "nunca",
    "entre",
    "hacia",
    "desde",
    "también",
    "muchas",
    "grandes",
    "pequeño",
    "nuevo",
    "viejo",
    "había",
    "estaba",
    "decía",
    "miraba",
    "caminaba",
    "escribía",
    "de",
    "que",
    "con",
    "para",
    "sobre",
    "los",
];

/// Spanish words in no order, and never the same lines.
fn spanish(lines: u64, seed: u64) -> String {
    let mut text = String::new();
    let mut state = seed;
    for _ in 0..lines {
        for _ in 0..12 {
            state = passages::mix(state.wrapping_add(0x9e37_79b9_7f4a_7c15));
            text.push_str(WORDS[(state % 40) as usize]);
            text.push(' ');
        }
        text.push('\n');
    }
    text
}

fn expected(language: &str) -> Expected {
    Expected {
        language: language.into(),
        licence: "CC0-1.0".into(),
        licences: LICENCES.map(String::from).into(),
        images: None,
    }
}

fn look(expected: Expected, bytes: &[u8]) -> Report {
    let mut look = Look::new(expected);
    for (place, part) in bytes.chunks(1 << 20).enumerate() {
        look.add((place as u64) << 20, part);
    }
    look.finish()
}

#[test]
fn good_text_is_accepted() {
    let report = look(expected("es"), spanish(3_000, 1).as_bytes());
    assert!(report.accepted >= 9_700, "{report:?}");
    assert_eq!(report.quality, 100);
    assert_eq!(report.languages[0].0, "es");
    assert!(report.licence_allowed && report.language_known);
}

#[test]
fn of_text_that_is_there_twice_half_counts() {
    let once = spanish(2_000, 2);
    let twice = format!("{once}\0Otra cosa\n{}", once.replace("casa", "CASA,  "));
    let report = look(expected("es"), twice.as_bytes());
    assert!(report.duplicates.abs_diff(5_000) < 200, "{report:?}");
    assert!(report.accepted.abs_diff(4_900) < 300, "{report:?}");
}

#[test]
fn nearly_the_same_is_found_and_another_text_is_not() {
    let once = spanish(1_000, 3);
    // Every tenth line has another word at its end.
    let lines = once.lines().enumerate();
    let edited: String =
        lines.map(|(i, line)| if i % 10 == 0 { format!("{line}y\n") } else { format!("{line}\n") }).collect();
    let near = look(expected("es"), format!("{once}{edited}").as_bytes());
    assert!(near.duplicates > 3_800, "{near:?}");
    let other = look(expected("es"), format!("{once}{}", spanish(1_000, 4)).as_bytes());
    assert!(other.duplicates < 100, "{other:?}");
}

#[test]
fn noise_is_no_text_however_it_is_disguised() {
    let noise: Vec<u8> = (0..200_000u64).map(|i| passages::mix(i) as u8).collect();
    let raw = look(expected("es"), &noise);
    assert!(raw.accepted < 500, "{raw:?}");
    // As Latin letters, each byte a character that can be printed.
    let letters: String = noise.iter().map(|byte| char::from(0x20 + byte % 0x5f)).collect();
    let disguised = look(expected("es"), letters.as_bytes());
    assert!(disguised.accepted < 1_000, "{disguised:?}");
    let latin: String =
        noise.iter().map(|byte| char::from_u32(0xa1 + u32::from(byte % 0x5e)).unwrap()).collect();
    let disguised = look(expected("es"), latin.as_bytes());
    assert!(disguised.accepted < 1_000, "{disguised:?}");
}

#[test]
fn another_language_does_not_count() {
    let english = "All human beings are born free and equal in dignity and rights. They are endowed with reason and conscience and \
                   should act towards one another in a spirit of brotherhood.\n";
    let text: String = (0..200).map(|i| format!("{i} {english}")).collect();
    let report = look(expected("es"), format!("{}{text}", spanish(10, 5)).as_bytes());
    assert!(report.accepted < 1_000, "{report:?}");
    let unknown = look(expected("qu"), spanish(500, 6).as_bytes());
    assert!(!unknown.language_known && unknown.accepted > 9_900 && unknown.quality == 80, "{unknown:?}");
    assert!(unknown.findings.iter().any(|finding| finding.contains("read some")));
}

#[test]
fn a_language_in_a_script_in_which_the_library_does_not_have_it_is_not_known() {
    for tag in ["sr", "sr-Cyrl", "zh-Hant", "pt-BR", "en-Latn-GB", "hi-Deva", "zxx"] {
        assert!(Language::new(tag).is_known(), "{tag}");
    }
    for tag in ["sr-Latn", "uz-Cyrl", "hi-Latn", "qu", "es-Arab"] {
        assert!(!Language::new(tag).is_known(), "{tag}");
    }
}

#[test]
fn a_licence_outside_the_list_is_not_accepted() {
    let other = Expected { licence: "CC-BY-NC-4.0".into(), ..expected("es") };
    let report = look(other, spanish(100, 7).as_bytes());
    assert_eq!((report.accepted, report.licence_allowed), (0, false));
    assert!(report.findings.iter().any(|finding| finding.contains("CC-BY-NC-4.0")));
}

#[test]
fn data_about_persons_lowers_the_quality() {
    let text = spanish(100, 8) + &"ana@example.org ".repeat(5);
    let report = look(expected("es"), text.as_bytes());
    assert_eq!((report.personal.emails, report.quality), (5, 60));
}

/// A passage that comes alone.
fn alone(text: &str) -> passages::Passage<'_> {
    passages::Passage { text: Ok(text), context: Some(""), same_context: false, bytes: text.len() }
}

#[test]
fn what_is_kept_is_bounded_and_fair() {
    let mut look = Look::new(expected("es"));
    // Each is there twice, and one of them again and again. Whether that one is in the sample is a matter of chance, and changes nothing.
    let flood = spanish(5, 0);
    let each = 5 * KEPT as u64 / 2;
    for i in 0..each {
        for passage in [&spanish(5, i / 2), &flood] {
            look.text.add(alone(passage));
        }
    }
    let report = look.finish();
    assert_eq!(report.judged, 2 * each);
    assert!((7_300..7_700).contains(&report.duplicates), "{report:?}");
    assert!(report.accepted.abs_diff(10_000 - report.duplicates) <= 1, "{report:?}");
}

#[test]
fn garbage_beside_more_text_than_is_kept_is_not_overlooked() {
    for garbage in [1, 3] {
        let (mut look, mut bytes) = (Look::new(expected("es")), [0; 2]);
        for i in 0..(2 * KEPT as u64) {
            let text = spanish(3, i);
            let is_text = i % 4 >= garbage;
            let passage = alone(&text);
            look.text
                .add(passages::Passage { text: passage.text.ok().filter(|_| is_text).ok_or(()), ..passage });
            bytes[usize::from(is_text)] += text.len() as u64;
        }
        let report = look.finish();
        let right = ratio(bytes[0], bytes[0] + bytes[1]);
        assert_eq!((report.malformed, report.duplicates), (right, 0), "{report:?}");
        assert!(report.accepted.abs_diff(10_000 - right) <= 1, "{report:?}");
    }
}

#[test]
fn zeros_and_blanks_weigh_as_much_as_they_are() {
    let paragraph = spanish(20, 11);
    let share = ratio(paragraph.len() as u64, 1 << 20);
    for filling in [&b"\0"[..], b" ", b" \n", b"\t\0", b" \n \0"] {
        let mut bytes = paragraph.clone().into_bytes();
        while bytes.len() < 1 << 20 {
            bytes.extend_from_slice(filling);
        }
        bytes.truncate(1 << 20);
        for language in ["es", "qu", "zxx"] {
            let report = look(expected(language), &bytes);
            assert!(report.accepted <= share + 20, "{language} {filling:?} {report:?}");
            assert!(report.documents <= 1, "{language} {filling:?} {report:?}");
        }
    }
}

#[test]
fn digits_are_no_prose_however_they_are_cut() {
    let digits = |count: u64, seed: u64| -> String {
        (0..count).map(|i| format!("{:016} ", passages::mix(i + (seed << 32)))).collect()
    };
    let long = look(expected("es"), digits(20_000, 0).as_bytes());
    assert!(long.accepted < 100 && long.other_language > 9_900, "{long:?}");
    // As many documents as there can be, each too short to be told alone, with prose between some of them.
    let short: String = (0..4_000).map(|i| digits(3, i) + "\0").collect();
    let report = look(expected("es"), short.as_bytes());
    assert!(report.accepted < 100, "{report:?}");
    let between: String = (0..400u64).map(|i| format!("{}\0{}\0", spanish(6, i), digits(12, i))).collect();
    let prose: u64 = (0..400u64).map(|i| spanish(6, i).len() as u64).sum();
    let report = look(expected("es"), between.as_bytes());
    let right = ratio(prose, between.len() as u64);
    assert!(report.accepted.abs_diff(right) < 200, "{report:?}");
    // Where no language is expected, they are data like any other.
    let data = look(expected("zxx"), digits(20_000, 1).as_bytes());
    assert!(data.accepted > 9_900, "{data:?}");
}

#[test]
fn short_documents_are_told_together_and_repeat_each_other() {
    let all: String = (0..2_000).map(|i| spanish(1, i) + "\0").collect();
    let report = look(expected("es"), all.as_bytes());
    assert!(report.accepted > 9_900 && report.documents == 2_000, "{report:?}");
    let other = look(expected("hi"), all.as_bytes());
    assert!(other.accepted < 100, "{other:?}");
    let same = look(expected("es"), "Buenos días a todos.\0".repeat(2_000).as_bytes());
    assert!(same.duplicates > 9_900, "{same:?}");
}

fn images(records: &[(u16, Vec<u8>)]) -> Report {
    let form = Images {
        height: 16,
        width: 16,
        channels: 1,
        labels: vec!["a".into(), "b".into()],
        counts: vec![1, 1],
    };
    let bytes: Vec<u8> =
        records.iter().flat_map(|(label, pixels)| [&label.to_le_bytes()[..], pixels].concat()).collect();
    let mut look = Look::new(Expected { images: Some(form), ..expected("zxx") });
    // Cut anywhere: a record across the bound is left out.
    look.add(0, &bytes);
    look.finish()
}

fn drawing(seed: u64) -> Vec<u8> {
    (0..256u64).map(|i| (((i % 16) * (seed % 7 + 1) + (i / 16) * 3 + seed) % 200) as u8).collect()
}

#[test]
fn images_that_repeat_or_show_nothing_do_not_count() {
    let noise: Vec<u8> = (0..256u64).map(|i| passages::mix(i) as u8).collect();
    let mut records: Vec<_> = (0..6u64).map(|i| (0, drawing(i))).collect();
    records.push((1, drawing(0)));
    records.push((1, vec![7; 256]));
    records.push((0, noise));
    records.push((2, drawing(90)));
    let report = images(&records);
    assert_eq!(
        (report.judged, report.accepted, report.duplicates, report.empty, report.malformed),
        (10, 6_000, 1_000, 2_000, 1_000)
    );
}

#[test]
fn small_images_of_noise_are_told_together() {
    let form =
        |height, width| Images { height, width, channels: 1, labels: vec!["a".into()], counts: vec![1] };
    let report = |form: &Images, pixels: &dyn Fn(u64, u64) -> u8| {
        let size = form.pixels();
        let bytes: Vec<u8> = (0..400u64)
            .flat_map(|image| [0, 0].into_iter().chain((0..size).map(move |at| pixels(image, at))))
            .collect();
        let mut look = Look::new(Expected { images: Some(form.clone()), ..expected("zxx") });
        look.add(0, &bytes);
        look.finish()
    };
    let noise = |image: u64, at: u64| passages::mix(image * 1_000 + at) as u8;
    for (height, width) in [(15, 15), (1, 240), (4, 4), (3, 4)] {
        let report = report(&form(height, width), &noise);
        assert!(report.accepted < 1_000 && report.empty > 9_000, "{height} {width} {report:?}");
    }
    // Slopes, each another way, with some noise on them.
    let smooth = |image: u64, at: u64| {
        let (row, column) = (at / 15, at % 15);
        (row * (image % 7) + column * (1 + image % 11) + image / 77 * 3 + u64::from(noise(image, at) % 8))
            as u8
    };
    let honest = report(&form(15, 15), &smooth);
    assert!(honest.accepted > 9_900, "{honest:?}");
    // Half and half.
    let both =
        report(&form(15, 15), &|image, at| if image % 2 == 0 { noise(image, at) } else { smooth(image, at) });
    assert!(both.accepted.abs_diff(5_000) < 300, "{both:?}");
}

#[test]
fn a_record_goes_on_in_the_part_that_follows() {
    // A mebibyte and a half, in parts of one: none is whole within a part.
    let form = Images { height: 1_024, width: 512, channels: 3, labels: vec!["a".into()], counts: vec![4] };
    let picture =
        |seed: u64| (0..form.pixels()).map(move |i| ((i / 1_536 * 3 + i % 1_536 / 9 * seed) % 251) as u8);
    let bytes: Vec<u8> = (1..5u64).flat_map(|i| [0, 0].into_iter().chain(picture(i))).collect();
    let whole = look(Expected { images: Some(form.clone()), ..expected("zxx") }, &bytes);
    assert_eq!((whole.judged, whole.accepted), (4, 10_000), "{whole:?}");
    // A gap takes the record that it cuts.
    let mut look = Look::new(Expected { images: Some(form), ..expected("zxx") });
    for (place, part) in bytes.chunks(1 << 20).enumerate().filter(|(place, _)| *place != 2) {
        look.add((place as u64) << 20, part);
    }
    let report = look.finish();
    assert_eq!((report.judged, report.accepted), (3, 10_000), "{report:?}");
}

#[test]
fn records_are_found_within_a_part() {
    let form = Images { height: 16, width: 16, channels: 1, labels: vec!["a".into()], counts: vec![3] };
    let bytes: Vec<u8> = (0..3u64).flat_map(|i| [&[0, 0][..], &drawing(i)].concat()).collect();
    let mut look = Look::new(Expected { images: Some(form), ..expected("zxx") });
    look.add(100, &bytes[100..700]);
    assert_eq!(look.finish().judged, 1);
}

#[test]
fn parts_of_ten_thousand_are_rounded() {
    assert_eq!((ratio(1, 3), ratio(2, 3), ratio(0, 0), ratio(u64::MAX, u64::MAX)), (3_333, 6_667, 0, 10_000));
}
