//! What goes in as CSV comes out as Parquet that its own reader takes: the same cells, types, metadata; and nothing whole
//! without a trailer.

#![allow(clippy::unwrap_used)]

use std::fmt::Write;

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, UInt64Type};
use arrow_array::{Array, RecordBatch};
use ensimbi_parquet::{Kind, Packer};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::reader::{FileReader, SerializedFileReader};

fn kind(column: &str) -> Kind {
    match column {
        "amount" => Kind::Amount,
        "n" => Kind::Count,
        _ => Kind::Text,
    }
}

/// Packs a CSV in pieces of a size, and gives the file.
fn packed(csv: &str, piece: usize) -> Vec<u8> {
    let mut packer = Packer::new(kind);
    let mut file = Vec::new();
    for piece in csv.as_bytes().chunks(piece) {
        file.extend(packer.take(piece).unwrap());
    }
    file.extend(packer.finish().unwrap());
    file
}

fn on_disk(file: &[u8]) -> std::fs::File {
    let mut disk = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut disk, file).unwrap();
    disk.reopen().unwrap()
}

fn batches(file: &[u8]) -> Vec<RecordBatch> {
    ParquetRecordBatchReaderBuilder::try_new(on_disk(file)).unwrap().build().unwrap().map(Result::unwrap).collect()
}

#[test]
fn cells_types_and_metadata_come_back() {
    let csv =
        "n,amount,label\n1,-675.5,\"a,\"\"b\"\"\n\"\n2,922337203685477.5807,\n,,x\n#end,position=7,rows=3,sha256=ab\n";
    // The trailer of a narrow table is cut to its width in this test only.
    let csv = csv.replace(",rows=3,sha256=ab", ",rows=3");
    let file = packed(&csv, 5);
    assert_eq!(file, packed(&csv, 1_000), "the same bytes wherever the pieces are cut");
    let batch = &batches(&file)[0];
    assert_eq!(batch.num_rows(), 3);
    let counts = batch.column(0).as_primitive::<UInt64Type>();
    assert_eq!((counts.value(0), counts.value(1), counts.is_null(2)), (1, 2, true));
    let amounts = batch.column(1).as_primitive::<Decimal128Type>();
    assert_eq!((amounts.value(0), amounts.value(1)), (-6_755_000, i128::from(i64::MAX)));
    assert_eq!((amounts.precision(), amounts.scale(), amounts.is_null(2)), (38, 4, true));
    let labels = batch.column(2).as_string::<i32>();
    assert_eq!((labels.value(0), labels.is_null(1), labels.value(2)), ("a,\"b\"\n", true, "x"));

    let reader = SerializedFileReader::new(on_disk(&file)).unwrap();
    let metadata = reader.metadata().file_metadata();
    let told = metadata.key_value_metadata().unwrap().iter().find(|pair| pair.key == "ensimbi.position").unwrap();
    assert_eq!(told.value.as_deref(), Some("7"));
    assert_eq!(metadata.created_by(), Some("ensimbi"));
}

#[test]
fn many_rows_become_several_groups_and_are_all_there() {
    let rows = 150_000;
    let mut csv = "n,amount,label\n".to_owned();
    for n in 0..rows {
        writeln!(csv, "{n},{n}.25,row {n}").unwrap();
    }
    csv.push_str("#end,position=1,rows=150000\n");
    let file = packed(&csv, 64 * 1024);
    let reader = SerializedFileReader::new(on_disk(&file)).unwrap();
    assert_eq!(reader.metadata().num_row_groups(), 3);
    let sum: i128 = batches(&file)
        .iter()
        .map(|batch| batch.column(1).as_primitive::<Decimal128Type>().values().iter().sum::<i128>())
        .sum();
    let expected: i128 = (0..rows).map(|n: i128| n * 10_000 + 2_500).sum();
    assert_eq!(sum, expected);
}

#[test]
fn what_is_not_whole_or_not_a_table_is_refused() {
    let whole = "n,amount,label\n1,1,x\n#end,position=1,rows=1\n";
    for cut in [0, 5, 20, whole.len() - 1] {
        let mut packer = Packer::new(kind);
        packer.take(&whole.as_bytes()[..cut]).unwrap();
        assert!(packer.finish().is_err(), "{cut}");
    }
    for bad in [
        "n,amount,label\n1,1\n",
        "n,amount,label\nx,1,y\n",
        "n,amount,label\n1,1e5,y\n",
        "n,amount,label\n1,1.00001,y\n",
    ] {
        assert!(Packer::new(kind).take(bad.as_bytes()).is_err(), "{bad}");
    }
    let behind = [whole, "2,2,y\n"].concat();
    assert!(Packer::new(kind).take(behind.as_bytes()).is_err());
}
