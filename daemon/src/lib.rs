//! What is true of any pod of ours, and names no add-on.
