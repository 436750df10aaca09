//! A netlink message of nf_tables as plain data, before its bytes are laid out.

/// The value of an attribute, as libnftnl takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Operand {
    /// A number in the machine's byte order.
    U32(u32),
    /// Bytes as they are.
    Bytes(Vec<u8>),
    /// A name.
    Text(String),
}

impl Operand {
    /// The memory that libnftnl reads: names end with a NUL.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        match self {
            Operand::U32(number) => number.to_ne_bytes().to_vec(),
            Operand::Bytes(bytes) => bytes.clone(),
            Operand::Text(text) => {
                let mut bytes = text.clone().into_bytes();
                bytes.push(0);
                bytes
            }
        }
    }
}

impl From<u32> for Operand {
    fn from(number: u32) -> Self {
        Operand::U32(number)
    }
}

impl From<Vec<u8>> for Operand {
    fn from(bytes: Vec<u8>) -> Self {
        Operand::Bytes(bytes)
    }
}

impl From<&str> for Operand {
    fn from(text: &str) -> Self {
        Operand::Text(text.to_owned())
    }
}

/// Attributes of an object by libnftnl's numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Attributes(pub(crate) Vec<(u16, Operand)>);

impl Attributes {
    /// No attributes yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// These and one more.
    pub(crate) fn with(mut self, number: u32, value: impl Into<Operand>) -> Self {
        let number = u16::try_from(number).expect("libnftnl's attribute numbers are small");
        self.0.push((number, value.into()));
        self
    }
}

/// One instruction of a rule: an expression by its kernel name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Instruction {
    /// `meta`, `cmp`, `lookup`, …
    pub(crate) name: &'static str,
    /// What it works on.
    pub(crate) operands: Attributes,
    /// What it keeps beside each element of a set: an instruction in an attribute.
    pub(crate) beside: Option<(u16, Box<Instruction>)>,
}

/// What a message is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Object {
    /// A table.
    Table(Attributes),
    /// A chain.
    Chain(Attributes),
    /// A set or map, without elements.
    Set(Attributes),
    /// A rule and its instructions.
    Rule(Attributes, Vec<Instruction>),
    /// Elements of the set that the first attributes name.
    Elements(Attributes, Vec<Attributes>),
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// `NFT_MSG_…`
    pub(crate) kind: u16,
    /// `NLM_F_…` beside `NLM_F_REQUEST`.
    pub(crate) flags: u16,
    /// `NFPROTO_…` of the table.
    pub(crate) family: u8,
    /// What it is about.
    pub(crate) object: Object,
}
