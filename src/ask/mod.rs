//! What is said to a node and how its answer is read. Pure: bytes in, facts out.
