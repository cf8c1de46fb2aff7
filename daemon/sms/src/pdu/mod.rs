//! The PDUs of TS 23.040, both ways.
