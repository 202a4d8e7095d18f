//! To be written in this room.
