//! Files over any byte stream: offered, named, placed, sent, received, resumed, proven.
