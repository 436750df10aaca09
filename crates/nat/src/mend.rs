//! Making the table anew where somebody has changed it, with the elements that it holds.
//!
//! Everything is one transaction: the old table goes and the new one comes at the same
//! moment, and no packet sees anything in between. The elements are read before; should
//! anybody change the ruleset meanwhile, the kernel refuses the transaction by the number
//! of the generation, and it is begun anew.

use crate::change::Change;
use crate::elements::RawElement;
use crate::error::Error;
use crate::firewall::Firewall;
use crate::netlink::attribute;
use crate::netlink::batch::Batch;
use crate::netlink::encode::{encode, put_back};
use crate::netlink::message::{Attributes, Message};
use crate::publication::Publication;
use crate::table::{Set, Shape, Transit, layout};
use nix::errno::Errno;
use nix::libc;
use std::time::Instant;

/// How often it is begun anew because somebody else changed something meanwhile.
const ATTEMPTS: usize = 64;

/// Elements in one message: all of them are far below the longest message.
const AT_ONCE: usize = 16;

const ACT: &str = "make table inet minet anew";

impl Firewall {
    /// Makes the table as it should be, whatever is there of it, and keeps the elements of
    /// all its sets, whosever they are.
    ///
    /// # Errors
    /// [`Error::NotPermitted`], [`Error::NotSupported`], and whatever else the kernel
    /// refuses; then nothing has changed.
    pub fn mend_table(&mut self, transit: Transit) -> Result<(), Error> {
        for _ in 0..ATTEMPTS {
            let generation = self.generation()?;
            let messages = self.anew(transit)?;
            let mut batch = Batch::begin_at(self.socket.next_seq(), generation);
            for message in &messages {
                batch.push(message);
            }
            let (bytes, next_seq) = batch.end();
            self.deleted = Some(Instant::now());
            let answer = self.socket.exchange(&bytes, next_seq);
            let answer = answer.map_err(|errno| Error::socket(ACT, errno))?;
            match answer.complaints.into_iter().next() {
                None => return Ok(()),
                Some(complaint) if complaint.errno == Errno::ERESTART => {}
                Some(complaint) => return Err(complaint.into_error(ACT, "nftables")),
            }
        }
        Err(Error::Refused {
            act: ACT.to_owned(),
            words: Some("somebody else keeps changing the ruleset".to_owned()),
            source: Errno::EBUSY,
        })
    }

    /// The messages that replace the table.
    fn anew(&mut self, transit: Transit) -> Result<Vec<Message>, Error> {
        let mut commands = Vec::new();
        if self.table_is_installed()? {
            commands.extend(Change::RemoveTable.commands());
        }
        commands.extend(Change::InstallTable(transit).commands());
        let mut messages: Vec<Message> = commands.iter().map(encode).collect();
        // What rules add themselves they add again.
        let put_there = |set: &Set| set.shape != Shape::Counted;
        for set in layout(transit).sets.into_iter().filter(put_there) {
            let elements: Vec<Attributes> = self
                .raw_elements_of(&set)?
                .iter()
                .map(RawElement::whole)
                .collect();
            let chunks = elements.chunks(AT_ONCE);
            messages.extend(chunks.map(|some| put_back(&set.name, some.to_vec())));
        }
        Ok(messages)
    }

    /// Publishes what is to be published, in one transaction, where the ports lead
    /// elsewhere or nowhere by now. They must be the owners' by right.
    ///
    /// # Errors
    /// [`Error::NoTable`], and whatever else the kernel refuses.
    pub fn republish(&mut self, publications: &[Publication]) -> Result<(), Error> {
        let table = layout(Transit::Untouched);
        let mut commands = Vec::new();
        for publication in publications {
            match self.publication(&publication.port)? {
                Some(installed) if publication.is(&installed) => continue,
                Some(_) => commands.push(publication.remove(&table)),
                None => {}
            }
            commands.push(publication.add(&table));
        }
        if commands.is_empty() {
            return Ok(());
        }
        let messages: Vec<Message> = commands.iter().map(encode).collect();
        self.transact(&messages, &[])
    }

    /// The number that grows with every change of any table.
    fn generation(&mut self) -> Result<u32, Error> {
        /// `NFTA_GEN_ID` of the kernel's `nf_tables.h`.
        const ID: u16 = 1;
        let kind = libc::NFNL_SUBSYS_NFTABLES << 8 | libc::NFT_MSG_GETGEN;
        let seq = self.socket.next_seq();
        let question = attribute::finish(attribute::header(kind as u16, 0, seq, 0, 0));
        let answer = self.socket.exchange(&question, seq + 1);
        let answer = answer.map_err(|errno| Error::socket(ACT, errno))?;
        let number = |message: &attribute::Incoming| {
            let bytes = message.attributes().get(ID)?.try_into().ok()?;
            Some(u32::from_be_bytes(bytes))
        };
        match answer.complaints.into_iter().next() {
            Some(complaint) => Err(complaint.into_error(ACT, "nftables")),
            None => answer.messages.iter().find_map(number).ok_or_else(|| {
                Error::socket("ask for the generation of the ruleset", Errno::EPROTO)
            }),
        }
    }
}
