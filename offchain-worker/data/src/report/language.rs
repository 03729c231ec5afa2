//! Which language a text is of.

use super::passages::LEAST;
use std::collections::HashSet;
use whatlang::{Detector, Lang, Script};

/// Letters below which nothing is said about a text.
const FEWEST: usize = 24;

/// Threes of letters below which nothing is said about how often they repeat.
const FEWEST_THREES: usize = 200;

/// Of a hundred threes of letters, how many are different, at most, in a text of some hundred letters. Prose has 40 to 75; letters that
/// are drawn by lot more than 90. The library finds a language in those, too.
const MOST_DIFFERENT: usize = 85;

/// Languages whose scripts have so many letters that the threes of a short text are mostly different.
const MANY_LETTERS: [&str; 7] = ["zh", "ja", "ko", "am", "th", "my", "km"];

/// Scripts by their subtags. In another script than the library has a language in, it takes the text for another language's.
const SCRIPTS: [(&str, Script); 14] = [
    ("latn", Script::Latin),
    ("cyrl", Script::Cyrillic),
    ("arab", Script::Arabic),
    ("deva", Script::Devanagari),
    ("hebr", Script::Hebrew),
    ("hans", Script::Mandarin),
    ("hant", Script::Mandarin),
    ("beng", Script::Bengali),
    ("grek", Script::Greek),
    ("gujr", Script::Gujarati),
    ("guru", Script::Gurmukhi),
    ("taml", Script::Tamil),
    ("telu", Script::Telugu),
    ("thai", Script::Thai),
];

/// The language that is expected, and what can be told about it.
#[derive(Debug)]
pub struct Language {
    expected: Option<Lang>,
    none: bool,
    detector: Detector,
}

/// What a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Of this language, by its BCP-47 tag.
    Of(&'static str),
    /// Too short to be told, or nothing is expected.
    Short,
    /// Of no language that could be told.
    Unclear,
    /// Digits, marks or blanks, with hardly a letter.
    Letterless,
}

impl Language {
    /// That of a BCP-47 tag. Of `zxx`, `und` and `mul` nothing is expected.
    pub fn new(tag: &str) -> Self {
        let tag = tag.to_ascii_lowercase();
        let mut parts = tag.split('-');
        let primary = parts.next().unwrap_or_default();
        let script = parts
            .next()
            .filter(|part| part.len() == 4 && part.bytes().all(|byte| byte.is_ascii_alphabetic()));
        let is_written = |lang: &Lang| {
            let has =
                |(subtag, known): &(&str, Script)| Some(*subtag) == script && known.langs().contains(lang);
            script.is_none() || SCRIPTS.iter().any(has)
        };
        let is_called = |lang: &Lang| tag_of(*lang) == primary || lang.code() == primary;
        let expected = Lang::all().iter().copied().find(|lang| is_called(lang) && is_written(lang));
        Self { expected, none: matches!(primary, "zxx" | "und" | "mul"), detector: Detector::new() }
    }

    /// Whether anything can be told about it.
    pub fn is_known(&self) -> bool {
        self.expected.is_some() || self.none
    }

    pub(crate) fn find(&self, text: &str) -> Found {
        let (mut chars, mut visible, mut letters) = (0usize, 0usize, 0usize);
        for c in text.chars() {
            chars += 1;
            visible += usize::from(!c.is_whitespace());
            letters += usize::from(c.is_alphabetic());
        }
        if letters < FEWEST && text.len() < LEAST {
            return Found::Short;
        }
        // The detector sees letters alone, however few there are among the rest. Of writing, whatever the script, most is letters.
        if letters < FEWEST || letters.saturating_mul(2) < visible || letters.saturating_mul(4) < chars {
            return Found::Letterless;
        }
        match self.detector.detect(text) {
            Some(info) if !MANY_LETTERS.contains(&tag_of(info.lang())) && is_noise(text) => Found::Unclear,
            Some(info) if info.is_reliable() || Some(info.lang()) == self.expected => {
                Found::Of(tag_of(info.lang()))
            }
            _ => Found::Unclear,
        }
    }

    /// Whether what was found is not what is expected.
    pub(crate) fn is_other(&self, found: Found) -> bool {
        match (self.expected, found) {
            // Every language has letters, known or not.
            (_, Found::Letterless) => !self.none,
            (None, _) | (_, Found::Short) => false,
            (Some(_), Found::Unclear) => true,
            (Some(expected), Found::Of(tag)) => tag != tag_of(expected),
        }
    }
}

/// Whether hardly any three letters come twice.
fn is_noise(text: &str) -> bool {
    let mut letters = Vec::with_capacity(text.len());
    for c in text.chars() {
        let letter = if c.is_alphanumeric() || !c.is_ascii() && !c.is_whitespace() { c } else { ' ' };
        if letter != ' ' || letters.last() != Some(&' ') {
            letters.extend(letter.to_lowercase());
        }
    }
    let threes: HashSet<&[char]> = letters.windows(3).collect();
    let count = letters.len().saturating_sub(2);
    count >= FEWEST_THREES && threes.len() * 100 > count * MOST_DIFFERENT
}

/// The BCP-47 tag: the shortest code of ISO 639 that there is.
fn tag_of(lang: Lang) -> &'static str {
    const TAGS: [(&str, &str); 70] = [
        ("epo", "eo"),
        ("eng", "en"),
        ("rus", "ru"),
        ("cmn", "zh"),
        ("spa", "es"),
        ("por", "pt"),
        ("ita", "it"),
        ("ben", "bn"),
        ("fra", "fr"),
        ("deu", "de"),
        ("ukr", "uk"),
        ("kat", "ka"),
        ("ara", "ar"),
        ("hin", "hi"),
        ("jpn", "ja"),
        ("heb", "he"),
        ("yid", "yi"),
        ("pol", "pl"),
        ("amh", "am"),
        ("jav", "jv"),
        ("kor", "ko"),
        ("nob", "nb"),
        ("dan", "da"),
        ("swe", "sv"),
        ("fin", "fi"),
        ("tur", "tr"),
        ("nld", "nl"),
        ("hun", "hu"),
        ("ces", "cs"),
        ("ell", "el"),
        ("bul", "bg"),
        ("bel", "be"),
        ("mar", "mr"),
        ("kan", "kn"),
        ("ron", "ro"),
        ("slv", "sl"),
        ("hrv", "hr"),
        ("srp", "sr"),
        ("mkd", "mk"),
        ("lit", "lt"),
        ("lav", "lv"),
        ("est", "et"),
        ("tam", "ta"),
        ("vie", "vi"),
        ("urd", "ur"),
        ("tha", "th"),
        ("guj", "gu"),
        ("uzb", "uz"),
        ("pan", "pa"),
        ("aze", "az"),
        ("ind", "id"),
        ("tel", "te"),
        ("pes", "fa"),
        ("mal", "ml"),
        ("ori", "or"),
        ("mya", "my"),
        ("nep", "ne"),
        ("sin", "si"),
        ("khm", "km"),
        ("tuk", "tk"),
        ("aka", "ak"),
        ("zul", "zu"),
        ("sna", "sn"),
        ("afr", "af"),
        ("lat", "la"),
        ("slk", "sk"),
        ("cat", "ca"),
        ("tgl", "tl"),
        ("hye", "hy"),
        ("cym", "cy"),
    ];
    let code = lang.code();
    TAGS.iter().find(|(three, _)| *three == code).map_or(code, |(_, two)| two)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPANISH: &str = "Todos los seres humanos nacen libres e iguales en dignidad y derechos y, dotados como están de razón";
    const HINDI: &str = "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है";

    #[test]
    fn languages_are_told_and_their_tags_are_the_usual_ones() {
        assert_eq!(Language::new("es").find(SPANISH), Found::Of("es"));
        assert_eq!(Language::new("hi-IN").find(HINDI), Found::Of("hi"));
        assert!(Language::new("es").is_other(Found::Of("pt")));
        assert!(!Language::new("es-MX").is_other(Found::Of("es")));
        assert!(!Language::new("es").is_other(Language::new("es").find("¡1234 5678!")));
        assert!(Language::new("es").is_other(Found::Unclear));
        assert!(!Language::new("zxx").is_other(Found::Of("es")));
        assert!(Language::new("zxx").is_known() && Language::new("spa").is_known());
        assert!(!Language::new("qu").is_known() && !Language::new("qu").is_other(Found::Unclear));
    }

    #[test]
    fn digits_and_blanks_are_no_language_and_no_data_without_one_needs_letters() {
        let digits = "3141592653 5897932384 ".repeat(20);
        let few = format!("{digits} tiempo mundo hombre camino palabra ciudad");
        let blank = " \n".repeat(300) + "tiempo mundo hombre camino palabra";
        for text in [digits, few, blank, "¡! ".repeat(200)] {
            for tag in ["es", "qu"] {
                let language = Language::new(tag);
                assert_eq!(language.find(&text), Found::Letterless, "{tag} {text}");
                assert!(language.is_other(Found::Letterless));
            }
        }
        assert!(!Language::new("zxx").is_other(Found::Letterless));
        // Marks that are no letters are part of many scripts.
        assert_eq!(Language::new("hi").find(&HINDI.repeat(4)), Found::Of("hi"));
        let verses = format!("12 {SPANISH}, 13 {SPANISH} (1.º 14-15).");
        assert_eq!(Language::new("es").find(&verses), Found::Of("es"));
    }

    #[test]
    fn every_language_of_the_library_has_its_tag() {
        for lang in Lang::all() {
            assert!(tag_of(*lang).len() == 2, "{lang:?}");
        }
    }
}
