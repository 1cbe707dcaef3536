//! Values there and back, in both orders and all encodings, byte by byte; and what broken lengths lead to.

use super::*;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

#[tokio::test]
async fn r3_33_the_golden_vector_comes_out_and_goes_in() {
    let text = "Hello, World! ☺ ";
    assert_eq!((measure(text, UnicodeEncoding::Utf8), text.encode_utf16().count()), (18, 16));
    let mut writer = ValueWriter::new(Vec::new());
    assert_eq!(writer.measure(text), 18);
    writer.write_message(text).unwrap();
    assert_eq!(writer.store().await.unwrap(), 22);
    let bytes = writer.detach_stream().unwrap();
    assert_eq!(bytes[..4], [0, 0, 0, 0x12]);
    assert_eq!(&bytes[4..], text.as_bytes());
    assert_eq!(ValueReader::new(&bytes[..]).read_message().await.unwrap().as_deref(), Some(text));
}

#[tokio::test]
async fn r3_31_numbers_go_in_either_order() {
    assert_eq!((ByteOrder::default(), UnicodeEncoding::default()), (ByteOrder::BigEndian, UnicodeEncoding::Utf8));
    for (order, first) in [(ByteOrder::BigEndian, [1, 2]), (ByteOrder::LittleEndian, [2, 1])] {
        let mut writer = ValueWriter::new(Vec::new());
        writer.byte_order = order;
        writer.write_u16(0x0102).unwrap();
        writer.write_i32(-7).unwrap();
        writer.write_f64(1.5).unwrap();
        writer.write_bool(true).unwrap();
        writer.store().await.unwrap();
        let bytes = writer.detach_stream().unwrap();
        assert_eq!(bytes[..2], first);
        let mut reader = ValueReader::new(&bytes[..]);
        reader.byte_order = order;
        assert_eq!(reader.load(100).await.unwrap(), 15);
        assert_eq!((reader.read_u16().unwrap(), reader.read_i32().unwrap()), (0x0102, -7));
        assert_eq!((reader.read_f64().unwrap(), reader.read_bool().unwrap()), (1.5, true));
        assert!(matches!(reader.read_u8(), Err(FramingError::OutOfBounds { wanted: 1, loaded: 0 })));
    }
}

#[tokio::test]
async fn r3_31_partial_loading_returns_with_the_first_byte() {
    let (mut near, far) = duplex(16);
    near.write_all(b"ab").await.unwrap();
    let mut reader = ValueReader::new(far);
    reader.options = InputStreamOptions::Partial;
    assert_eq!(reader.load(100).await.unwrap(), 2);
}

#[tokio::test]
async fn r3_32_a_negative_or_huge_length_takes_no_memory() {
    for length in [-1_i32, i32::MIN, i32::MAX, 16 * 1024 * 1024 + 1] {
        let bytes = length.to_be_bytes();
        let mut reader = ValueReader::new(&bytes[..]);
        let error = reader.read_message().await.unwrap_err();
        assert!(matches!(error, FramingError::BadLength { .. }), "{length}: {error}");
        assert!(reader.buffer_capacity() < 128 * 1024);
        assert!(matches!(reader.read_message().await, Err(FramingError::Closed)));
    }
}

#[tokio::test]
async fn r3_32_an_end_between_messages_is_an_end_and_within_one_a_fault() {
    let mut reader = ValueReader::new(&b""[..]);
    assert!(reader.read_message().await.unwrap().is_none());
    for cut in [&[0][..], &[0, 0, 0], &[0, 0, 0, 2], &[0, 0, 0, 2, b'a']] {
        assert!(matches!(ValueReader::new(cut).read_message().await, Err(FramingError::Truncated)), "{cut:?}");
    }
}

#[tokio::test]
async fn r3_30_a_stream_is_taken_back_only_when_nothing_is_lost() {
    let mut writer = ValueWriter::new(Vec::new());
    writer.write_u8(1).unwrap();
    let error = writer.detach_stream().unwrap_err();
    assert_eq!((writer.unstored(), error.hresult()), (1, 0x8007_10DD));
    writer.store().await.unwrap();
    assert_eq!(writer.detach_stream().unwrap(), [1]);
    let closed = writer.write_u8(2).unwrap_err();
    assert_eq!(closed.hresult(), 0x8000_0013);
    assert!(writer.close().await.is_err());

    let mut reader = ValueReader::new(&b"abc"[..]);
    reader.load(2).await.unwrap();
    assert!(matches!(reader.detach_stream(), Err(FramingError::InvalidOperation(_))));
    reader.read_bytes(2).unwrap();
    assert_eq!(reader.detach_stream().unwrap(), b"c");
    assert!(matches!(reader.load(1).await, Err(FramingError::Closed)));
}

#[tokio::test]
async fn r3_9_a_cancelled_write_closes_the_writer() {
    let (near, _far) = duplex(4);
    let mut writer = ValueWriter::new(near);
    writer.write_bytes(&[0; 100]).unwrap();
    tokio::select! {
        biased;
        _ = writer.store() => panic!("there is no room for that"),
        () = std::future::ready(()) => {}
    }
    assert!(matches!(writer.write_u8(1), Err(FramingError::Closed)));
    assert!(matches!(writer.detach_stream(), Err(FramingError::Closed)));
}

#[tokio::test]
async fn r3_35_a_flush_comes_after_everything_stored_before_it() {
    let (near, mut far) = duplex(1024);
    let mut writer = ValueWriter::new(near);
    for n in 0..10 {
        writer.write_u8(n).unwrap();
        writer.store().await.unwrap();
    }
    writer.flush().await.unwrap();
    let mut bytes = [0; 10];
    far.read_exact(&mut bytes).await.unwrap();
    assert_eq!(bytes, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    writer.close().await.unwrap();
    assert_eq!(far.read(&mut bytes).await.unwrap(), 0);
}

/// A stream that gives one byte at a time.
struct Drip<'a>(&'a [u8]);

impl tokio::io::AsyncRead for Drip<'_> {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        buf: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        if let Some((first, rest)) = self.0.split_first() {
            buf.put_slice(&[*first]);
            self.0 = rest;
        }
        std::task::Poll::Ready(Ok(()))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn r3_34_any_text_comes_back_in_every_encoding_byte_by_byte(texts in proptest::collection::vec(".{0,40}", 1..4)) {
        let texts: Vec<String> = texts.into_iter().chain(["".into(), "\0".into(), "🏴‍☠️é".into()]).collect();
        for encoding in [UnicodeEncoding::Utf8, UnicodeEncoding::Utf16Le, UnicodeEncoding::Utf16Be] {
            let (bytes, back) = run(async {
                let mut writer = ValueWriter::new(Vec::new());
                writer.encoding = encoding;
                for text in &texts {
                    writer.write_message(text).unwrap();
                }
                writer.store().await.unwrap();
                let bytes = writer.detach_stream().unwrap();
                let mut reader = ValueReader::new(Drip(&bytes));
                reader.encoding = encoding;
                let mut back = Vec::new();
                while let Some(text) = reader.read_message().await.unwrap() {
                    back.push(text);
                }
                (bytes.len(), back)
            });
            prop_assert_eq!(&back, &texts);
            prop_assert_eq!(bytes, texts.iter().map(|text| 4 + measure(text, encoding)).sum::<usize>());
        }
    }
}
