//! Parquet, of which one column of strings is the text. It is read column chunk by column chunk, without Arrow's arrays.

use crate::{DataError, ROW_BYTES, inputs::Input, pack::TextSink, text};
use parquet::{
    basic::Type,
    column::reader::ColumnReader,
    errors::ParquetError,
    file::reader::{FileReader, SerializedFileReader},
};
use sabha_files::FileError;
use std::{
    fs::File,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// Rows that are read at once.
const ROWS: usize = 64;

/// Appends the text of every row. Rows that are null or blank are left out and counted.
pub(crate) fn read(input: Input<'_>, column: &str, sink: &mut TextSink<'_>) -> Result<(), DataError> {
    // The reader is known to panic on some malformed files.
    catch_unwind(AssertUnwindSafe(|| read_rows(input, column, sink))).unwrap_or_else(|_| {
        let reason = "it is malformed; fetch it again, or convert it to JSONL".into();
        Err(DataError::BadParquet { path: input.path.to_path_buf(), reason })
    })
}

fn read_rows(input: Input<'_>, column: &str, sink: &mut TextSink<'_>) -> Result<(), DataError> {
    let path = input.path;
    let bad = |reason: String| DataError::BadParquet { path: path.to_path_buf(), reason };
    let malformed = |error: ParquetError| bad(format!("{error}; fetch it again, or convert it to JSONL"));
    let file = File::open(path).map_err(FileError::of("open", path))?;
    let reader = SerializedFileReader::new(file).map_err(malformed)?;
    let schema = reader.metadata().file_metadata().schema_descr();
    let place = schema.columns().iter().position(|found| found.path().string() == column);
    let Some((place, descriptor)) = place.and_then(|place| Some((place, schema.columns().get(place)?)))
    else {
        let names: Vec<_> = schema.columns().iter().map(|found| found.path().string()).take(32).collect();
        return Err(bad(format!("it has no column {column:?}, but {}: name one", names.join(", "))));
    };
    if descriptor.physical_type() != Type::BYTE_ARRAY || descriptor.max_rep_level() > 0 {
        return Err(bad(format!("its column {column:?} holds no strings: name another one")));
    }
    let whole = descriptor.max_def_level();
    let (mut row, mut told) = (0u64, 0u64);
    for group in 0..reader.num_row_groups() {
        let rows = reader.get_row_group(group).map_err(malformed)?;
        let ColumnReader::ByteArrayColumnReader(mut values) =
            rows.get_column_reader(place).map_err(malformed)?
        else {
            return Err(bad(format!("its column {column:?} holds no strings: name another one")));
        };
        loop {
            let (mut levels, mut texts) = (Vec::new(), Vec::new());
            let levels_out = (whole > 0).then_some(&mut levels);
            let (records, _, _) =
                values.read_records(ROWS, levels_out, None, &mut texts).map_err(malformed)?;
            if records == 0 {
                break;
            }
            let mut texts = texts.iter();
            for place in 0..records {
                row += 1;
                let there = levels.get(place).is_none_or(|level| *level == whole);
                let text = if there { texts.next() } else { None };
                append(text.map(|text| text.data()), path, row, column, sink)?;
            }
            sink.advance(0)?;
        }
        // About: the file's other columns are not read.
        let share = input.bytes.saturating_mul(group as u64 + 1) / (reader.num_row_groups() as u64).max(1);
        sink.advance(share.saturating_sub(told))?;
        told = share;
    }
    Ok(())
}

fn append(
    text: Option<&[u8]>,
    path: &std::path::Path,
    row: u64,
    column: &str,
    sink: &mut TextSink<'_>,
) -> Result<(), DataError> {
    let bad = |reason: String| DataError::BadRow { path: path.to_path_buf(), row, reason };
    let Some(bytes) = text else {
        sink.skip_row();
        return Ok(());
    };
    if bytes.len() as u64 > ROW_BYTES {
        return Err(bad(format!("it has more than {ROW_BYTES} bytes: divide it")));
    }
    let text = simdutf8::compat::from_utf8(bytes).map_err(|error| {
        bad(format!("no valid UTF-8 at byte {} of {column:?}: convert it first", error.valid_up_to()))
    })?;
    if text::is_blank(text) {
        sink.skip_row();
        return Ok(());
    }
    if let Some((at, what)) = text::fault(text) {
        return Err(bad(format!("{what} at byte {at} of {column:?}: clean it first")));
    }
    sink.append(text)?;
    sink.end_document()
}

#[cfg(test)]
mod tests {
    use crate::{DataError, Format, Manifest, PackOptions, STREAM, pack};
    use parquet::{
        basic::Compression,
        data_type::{ByteArray, ByteArrayType, Int32Type},
        file::{properties::WriterProperties, writer::SerializedFileWriter},
        schema::parser::parse_message_type,
    };
    use std::{fs, ops::ControlFlow, sync::Arc};

    /// A table of numbers and of texts, two rows a group.
    fn table(texts: &[Option<&[u8]>], compression: Compression) -> Vec<u8> {
        let schema = parse_message_type(
            "message rows { required int32 id; optional binary text (UTF8); repeated binary many (UTF8); }",
        );
        let properties = WriterProperties::builder().set_compression(compression).build();
        let mut bytes = Vec::new();
        let mut writer =
            SerializedFileWriter::new(&mut bytes, Arc::new(schema.unwrap()), Arc::new(properties)).unwrap();
        for rows in texts.chunks(2) {
            let mut group = writer.next_row_group().unwrap();
            let mut column = group.next_column().unwrap().unwrap();
            let ids: Vec<i32> = (0..rows.len() as i32).collect();
            column.typed::<Int32Type>().write_batch(&ids, None, None).unwrap();
            column.close().unwrap();
            let mut column = group.next_column().unwrap().unwrap();
            let levels: Vec<i16> = rows.iter().map(|row| row.is_some().into()).collect();
            let values: Vec<ByteArray> = rows.iter().flatten().map(|row| row.to_vec().into()).collect();
            column.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None).unwrap();
            column.close().unwrap();
            let mut column = group.next_column().unwrap().unwrap();
            let none = vec![0i16; rows.len()];
            column.typed::<ByteArrayType>().write_batch(&[], Some(&none), Some(&none)).unwrap();
            column.close().unwrap();
            group.close().unwrap();
        }
        writer.close().unwrap();
        bytes
    }

    fn packed(content: &[u8], column: &str) -> Result<(String, u64), DataError> {
        let folder = tempfile::tempdir().unwrap();
        let (input, out) = (folder.path().join("rows.parquet"), folder.path().join("out"));
        fs::write(&input, content).unwrap();
        let options = PackOptions {
            title: "Rows".into(),
            language: "es".into(),
            licence: "CC0-1.0".into(),
            format: Format::Parquet { column: column.into() },
            heldout_fraction: 0.0,
            replace: false,
        };
        let go_on = |_, _| ControlFlow::Continue(());
        let summary = pack(&[input], &out, &options, go_on)?;
        Manifest::read(&out).unwrap().verify(&out, go_on).unwrap();
        Ok((fs::read_to_string(out.join(STREAM)).unwrap(), summary.skipped_rows))
    }

    const ROWS: [Option<&[u8]>; 5] =
        [Some(b"uno"), None, Some("dos ñ".as_bytes()), Some(b" \n"), Some(b"tres")];

    #[test]
    fn rows_become_documents_however_they_are_compressed() {
        for compression in [
            Compression::UNCOMPRESSED,
            Compression::SNAPPY,
            Compression::GZIP(Default::default()),
            Compression::ZSTD(Default::default()),
        ] {
            let found = packed(&table(&ROWS, compression), "text").unwrap();
            assert_eq!(found, ("uno\0dos ñ\0tres\0".to_string(), 2), "{compression}");
        }
        let many: Vec<String> = (0..1_000).map(|row| format!("row {row}")).collect();
        let rows: Vec<_> = many.iter().map(|row| Some(row.as_bytes())).collect();
        let found = packed(&table(&rows, Compression::SNAPPY), "text").unwrap();
        assert_eq!(found.0, many.iter().map(|row| format!("{row}\0")).collect::<String>());
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_row_and_what_to_do() {
        let good = table(&ROWS, Compression::SNAPPY);
        let refuse = |content: &[u8], column: &str, says: &str| {
            let error = packed(content, column).unwrap_err().to_string();
            assert!(error.contains("rows.parquet") && error.contains(says), "{error}");
        };
        refuse(&good, "body", "id, text, many: name one");
        refuse(&good, "id", "holds no strings");
        refuse(&good, "many", "holds no strings");
        refuse(&good[..good.len() - 1], "text", "convert it to JSONL");
        refuse(b"PAR1PAR1", "text", "convert it to JSONL");
        refuse(
            &table(&[Some(b"a"), Some(b"b"), Some(b"c\xff")], Compression::SNAPPY),
            "text",
            "row 3: no valid UTF-8",
        );
        refuse(&table(&[Some(b"a\0b")], Compression::SNAPPY), "text", "row 1: a zero byte at byte 1");
        refuse(&table(&[None], Compression::SNAPPY), "text", "no row with text");
    }

    #[test]
    fn a_damaged_file_is_an_error_wherever_it_is_damaged() {
        let good = table(&ROWS, Compression::SNAPPY);
        let whole = packed(&good, "text").unwrap();
        for at in (0..good.len()).step_by(7) {
            let mut bad = good.clone();
            bad[at] ^= 0x5a;
            // What is damaged in other columns, or in numbers that nobody reads, does no harm.
            match packed(&bad, "text") {
                Ok(found) => assert!(found.0.len() < 100 + whole.0.len()),
                Err(error) => assert!(error.to_string().contains("rows.parquet"), "{error}"),
            }
        }
    }
}
