//! Rows of JSON, one a line, of which one field is the text. Files that are compressed by gzip are read as what is in them.

use crate::{DataError, ROW_BYTES, inputs::Input, pack::TextSink, text};
use flate2::read::MultiGzDecoder;
use sabha_files::FileError;
use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, Visitor},
};
use std::{
    cell::Cell,
    fmt,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
    rc::Rc,
};

/// Appends the text of every row. Rows without text, or with blanks alone, are left out and counted.
pub(crate) fn read(input: Input<'_>, field: &str, sink: &mut TextSink<'_>) -> Result<(), DataError> {
    let path = input.path;
    let done = Rc::new(Cell::new(0));
    let mut reader = open(path, Rc::clone(&done))?;
    let (mut line, mut row) = (Vec::new(), 0u64);
    loop {
        row += 1;
        line.clear();
        let read = reader.by_ref().take(ROW_BYTES + 1).read_until(b'\n', &mut line);
        read.map_err(FileError::of("read", path))?;
        sink.advance(done.replace(0))?;
        if line.is_empty() {
            return Ok(());
        }
        let bad = |reason: String| DataError::BadRow { path: path.to_path_buf(), row, reason };
        if line.len() as u64 > ROW_BYTES {
            return Err(bad(format!("it has more than {ROW_BYTES} bytes: divide it")));
        }
        let blank = line.iter().all(u8::is_ascii_whitespace);
        let text = if blank { None } else { parse(&line, field).map_err(&bad)? };
        match text.filter(|text| !text::is_blank(text)) {
            Some(text) => {
                if let Some((at, what)) = text::fault(&text) {
                    return Err(bad(format!("{what} at byte {at} of {field:?}: clean it first")));
                }
                sink.append(&text)?;
                sink.end_document()?;
            }
            None => sink.skip_row(),
        }
    }
}

/// The file, decompressed if need be. `done` counts the bytes that were read of it.
pub(crate) fn open(path: &Path, done: Rc<Cell<u64>>) -> Result<Box<dyn BufRead>, DataError> {
    let file = File::open(path).map_err(FileError::of("open", path))?;
    let mut reader = BufReader::with_capacity(1 << 17, Counting { file, done });
    let start = reader.fill_buf().map_err(FileError::of("read", path))?;
    Ok(if start.starts_with(&[0x1f, 0x8b]) {
        Box::new(BufReader::with_capacity(1 << 17, MultiGzDecoder::new(reader)))
    } else {
        Box::new(reader)
    })
}

struct Counting {
    file: File,
    done: Rc<Cell<u64>>,
}

impl Read for Counting {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.done.set(self.done.get() + read as u64);
        Ok(read)
    }
}

fn parse(line: &[u8], field: &str) -> Result<Option<String>, String> {
    let mut json = serde_json::Deserializer::from_slice(line);
    let text = Row(field).deserialize(&mut json).and_then(|text| json.end().map(|()| text));
    text.map_err(|error| {
        // The parser counts lines of its own: there is one.
        let reason = error.to_string();
        let reason = reason.split(" at line ").next().unwrap_or_default();
        format!("{reason} (column {}); mend or remove the row, or name another field", error.column())
    })
}

/// An object, of which one member is wanted.
struct Row<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for Row<'_> {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Row<'_> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with the field {:?}", self.0)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(wanted) = map.next_key_seed(Key(self.0))? {
            if !wanted {
                map.next_value::<IgnoredAny>()?;
            } else if found.is_some() {
                return Err(A::Error::custom(format_args!("the field {:?} is there twice", self.0)));
            } else {
                found = Some(map.next_value::<Option<String>>()?);
            }
        }
        found.ok_or_else(|| A::Error::custom(format_args!("there is no field {:?}", self.0)))
    }
}

/// Whether a member is the wanted one.
struct Key<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field's name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<bool, E> {
        Ok(name == self.0)
    }
}

#[cfg(test)]
mod tests {
    use crate::{DataError, Format, Manifest, PackOptions, STREAM, pack};
    use std::{fs, io::Write, ops::ControlFlow, path::Path};

    /// The stream of these rows, and how many were left out.
    fn packed(name: &str, content: &[u8], field: &str) -> Result<(String, u64), DataError> {
        let folder = tempfile::tempdir().unwrap();
        let (input, out) = (folder.path().join("in"), folder.path().join("out"));
        sabha_files::write_atomic(&input.join(name), content).unwrap();
        fs::write(input.join("README.md"), "not a row").unwrap();
        let options = PackOptions {
            title: "Rows".into(),
            language: "es".into(),
            licence: "CC0-1.0".into(),
            format: Format::Jsonl { field: field.into() },
            heldout_fraction: 0.0,
            replace: false,
        };
        let summary = pack(&[input], &out, &options, |done, total| {
            assert!(done <= total);
            ControlFlow::Continue(())
        })?;
        Manifest::read(&out).unwrap().verify(&out, |_, _| ControlFlow::Continue(())).unwrap();
        Ok((fs::read_to_string(out.join(STREAM)).unwrap(), summary.skipped_rows))
    }

    #[test]
    fn rows_become_documents_and_rows_without_text_are_left_out() {
        let rows = "{\"id\": 1, \"text\": \"uno\\ndos \\u00f1\", \"meta\": {\"text\": 3}}\n\n\
                    {\"text\": null}\r\n{\"text\": \"  \"}\n{\"text\": \"tres\"}";
        let expected = ("uno\ndos ñ\0tres\0".to_string(), 3);
        assert_eq!(packed("a.jsonl", rows.as_bytes(), "text").unwrap(), expected);
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(rows.as_bytes()).unwrap();
        assert_eq!(packed("a.ndjson.gz", &gz.finish().unwrap(), "text").unwrap(), expected);
    }

    #[test]
    fn malformed_rows_are_refused_with_file_line_and_what_to_do() {
        for (row, says) in [
            ("{\"text\": \"a\"", "EOF"),
            ("{\"text\": 1}", "invalid type"),
            ("{\"body\": \"a\"}", "no field \"text\""),
            ("{\"text\": \"a\", \"text\": \"b\"}", "twice"),
            ("[\"a\"]", "an object"),
            ("{\"text\": \"a\"} x", "trailing"),
            ("{\"text\": \"\\ud800\"}", "hex escape"),
            ("{\"text\": \"a\\u0000b\"}", "zero byte at byte 1"),
            ("{\"text\": \"a\\u0085b\"}", "control character at byte 1"),
            (&"[".repeat(100_000), "object"),
            (&format!("{{\"x\": {}, \"text\": \"a\"}}", "[".repeat(100_000)), "expected value"),
        ] {
            let content = format!("{{\"text\": \"good\"}}\n{row}\n");
            let error = packed("rows.jsonl", content.as_bytes(), "text").unwrap_err();
            assert!(matches!(error, DataError::BadRow { row: 2, .. }), "{error}");
            let error = error.to_string();
            assert!(error.contains("rows.jsonl, row 2") && error.contains(says), "{says}: {error}");
        }
        let error = packed("rows.jsonl", b"{\"text\": \"\xff\"}", "text").unwrap_err();
        assert!(matches!(error, DataError::BadRow { row: 1, .. }), "{error}");
        assert!(matches!(packed("a.jsonl", b"\n\n", "text"), Err(DataError::NothingToPack { .. })));
        assert!(matches!(packed("a.txt", b"{}", "text"), Err(DataError::NothingToPack { .. })));
    }

    #[test]
    fn formats_are_told_by_names() {
        let of =
            |names: &[&str]| Format::of(&names.iter().map(|name| Path::new(name).into()).collect::<Vec<_>>());
        assert_eq!(of(&["a.jsonl", "b.ndjson.gz"]), Format::Jsonl { field: "text".into() });
        assert_eq!(of(&["a.PARQUET"]), Format::Parquet { column: "text".into() });
        assert_eq!(of(&["train-images-idx3-ubyte", "train-labels-idx1-ubyte.gz"]), Format::Idx);
        assert_eq!(of(&["a.jsonl", "b.txt"]), Format::Text);
        assert_eq!(of(&["books"]), Format::Text);
    }
}
