//! One script, one nonce, one trailer.
