//! JSON out, small enough for the phone. Keys keep their order.

use std::fmt;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Text(String),
    List(Vec<Value>),
    Object(Vec<(&'static str, Value)>),
    /// Keys made at run time, quoted already.
    Map(Vec<(String, Value)>),
}

impl Value {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// Null for an empty text: protobuf's way to say "not given".
    pub(crate) fn given(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() {
            Self::Null
        } else {
            Self::Text(text)
        }
    }

    /// Null for zero: protobuf's way to say "not given".
    pub(crate) fn nonzero(number: impl Into<u64>) -> Self {
        match number.into() {
            0 => Self::Null,
            number => Self::Unsigned(number),
        }
    }

    pub(crate) fn object(fields: impl Into<Vec<(&'static str, Self)>>) -> Self {
        Self::Object(fields.into())
    }

    pub(crate) fn list<T>(items: &[T], each: impl Fn(&T) -> Self) -> Self {
        Self::List(items.iter().map(each).collect())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Unsigned(value)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Unsigned(value.into())
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Unsigned(value) => write!(f, "{value}"),
            Self::Signed(value) => write!(f, "{value}"),
            Self::Text(text) => quote(text, f),
            Self::List(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    let comma = if index > 0 { "," } else { "" };
                    write!(f, "{comma}{item}")?;
                }
                f.write_str("]")
            }
            Self::Object(fields) => {
                f.write_str("{")?;
                for (index, (key, value)) in fields.iter().enumerate() {
                    let comma = if index > 0 { "," } else { "" };
                    write!(f, "{comma}\"{key}\":{value}")?;
                }
                f.write_str("}")
            }
            Self::Map(entries) => {
                f.write_str("{")?;
                for (index, (key, value)) in entries.iter().enumerate() {
                    let comma = if index > 0 { "," } else { "" };
                    write!(f, "{comma}{key}:{value}")?;
                }
                f.write_str("}")
            }
        }
    }
}

fn quote(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("\"")?;
    for character in text.chars() {
        match character {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            // Control characters must be escaped; the line separators are, so
            // that "one line an event" holds for every reader.
            character if character.is_control() || matches!(character, '\u{2028}' | '\u{2029}') => {
                write!(f, "\\u{:04x}", character as u32)?;
            }
            character => write!(f, "{character}")?,
        }
    }
    f.write_str("\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stay_on_one_line_and_are_escaped() {
        let value = Value::object([
            ("text", Value::text("\"a\\b\"\n\u{1b}[31m\u{2028}ዛሬ 😀")),
            ("none", Value::given("")),
            ("list", Value::list(&[1u64, 2], |n| Value::from(*n))),
            ("dbm", Value::Signed(-97)),
        ]);
        assert_eq!(
            value.to_string(),
            r#"{"text":"\"a\\b\"\n\u001b[31m\u2028ዛሬ 😀","none":null,"list":[1,2],"dbm":-97}"#
        );
    }
}
