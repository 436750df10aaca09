//! Sets, maps and their elements.

use super::value::{DataType, Value, concat_nft, type_names};

/// What the elements of a set are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Single values, found in a hash table: adding and deleting cost the same however
    /// many there are.
    Exact,
    /// Ranges, found in a tree or, when concatenated, in a field-by-field match (`flags interval`).
    Interval,
    /// Single values that rules add themselves, each with a count of its connections; the
    /// kernel forgets one when its last connection is over (`flags dynamic`).
    Counted,
}

/// A named set, or a map when its elements carry data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set {
    /// The name that rules use with an `@`.
    pub name: String,
    /// The types of the fields of a key.
    pub key: Vec<DataType>,
    /// The types of the fields of the data; none for a plain set.
    pub data: Vec<DataType>,
    /// Single values or ranges.
    pub shape: Shape,
    /// What is in it, for whoever reads the table.
    pub comment: String,
}

/// One entry of a set or a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// One value for each field of the set's key.
    pub key: Vec<Value>,
    /// One value for each field of the map's data; none in a plain set.
    pub data: Vec<Value>,
    /// Whose it is and what for, at most [`Element::COMMENT_MAX`] bytes.
    pub comment: String,
}

impl Set {
    /// `set` or `map`.
    pub fn keyword(&self) -> &'static str {
        match self.data.is_empty() {
            true => "set",
            false => "map",
        }
    }

    /// The definition as `nft` lists it, without elements.
    pub fn to_nft(&self) -> String {
        let (keyword, name) = (self.keyword(), &self.name);
        let mut types = type_names(&self.key);
        if !self.data.is_empty() {
            types = format!("{types} : {}", type_names(&self.data));
        }
        let flags = match self.shape {
            Shape::Exact => "",
            Shape::Interval => "\t\tflags interval\n",
            Shape::Counted => "\t\tsize 65535\n\t\tflags dynamic\n",
        };
        let comment = &self.comment;
        format!("\t{keyword} {name} {{\n\t\ttype {types}\n{flags}\t\tcomment \"{comment}\"\n\t}}\n")
    }
}

impl Element {
    /// The longest comment that `nft` accepts, in bytes.
    pub const COMMENT_MAX: usize = 128;

    /// `tcp . 8080 comment "…" : 172.17.0.2 . 80`, as it stands between braces.
    pub fn to_nft(&self) -> String {
        let key = concat_nft(&self.key);
        let comment = match self.comment.is_empty() {
            true => String::new(),
            false => format!(" comment \"{}\"", self.comment),
        };
        match self.data.is_empty() {
            true => format!("{key}{comment}"),
            false => format!("{key}{comment} : {}", concat_nft(&self.data)),
        }
    }

    /// `tcp . 8080`, all that is needed to find the element again.
    pub fn key_to_nft(&self) -> String {
        concat_nft(&self.key)
    }
}
