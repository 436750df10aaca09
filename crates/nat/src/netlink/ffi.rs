//! The only `unsafe` of this crate: libnftnl lays out the bytes of a message.
//!
//! libnftnl works on objects: allocate, set attributes by number, write into a buffer,
//! free. All kinds of objects have the same five functions under different names, so
//! one generic [`Handle`] serves them all. What is set has been decided elsewhere, as data.

#![expect(unsafe_code, reason = "calls into libnftnl and setsockopt")]

use super::message::{Attributes, Instruction, Message, Object};
use nftnl::nftnl_sys::{self as sys, libc};
use std::ffi::{CString, c_int, c_void};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;

/// Room for one message, aligned as netlink wants it.
pub(crate) struct Scratch(Vec<u64>);

impl Scratch {
    /// Room for the longest message there can be.
    pub(crate) fn new() -> Self {
        Scratch(vec![0; (nftnl::nft_nlmsg_maxsize() as usize).div_ceil(8)])
    }

    /// Lays out a message and appends its bytes to `out`.
    pub(crate) fn write(&mut self, message: &Message, seq: u32, out: &mut Vec<u8>) {
        // SAFETY: the buffer holds nft_nlmsg_maxsize() bytes, is aligned, and is ours alone
        // while the header pointer lives; the builders write at most that much.
        unsafe {
            let header = sys::nftnl_nlmsg_build_hdr(
                self.0.as_mut_ptr().cast(),
                message.kind,
                message.family.into(),
                message.flags,
                seq,
            );
            build_payload(header, &message.object);
            let len = (*header).nlmsg_len as usize;
            let bytes = std::slice::from_raw_parts(self.0.as_ptr().cast::<u8>(), len);
            out.extend_from_slice(bytes);
        }
    }
}

/// Asks the kernel to explain its errors in words and not to send our own message back.
pub(crate) fn want_explanations(socket: BorrowedFd<'_>) -> io::Result<()> {
    let on: c_int = 1;
    for option in [libc::NETLINK_EXT_ACK, libc::NETLINK_CAP_ACK] {
        // SAFETY: the value is an int that outlives the call, and its length is an int's.
        let result = unsafe {
            libc::setsockopt(
                socket.as_raw_fd(),
                libc::SOL_NETLINK,
                option,
                (&raw const on).cast(),
                size_of::<c_int>() as libc::socklen_t,
            )
        };
        if result != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// # Safety
/// `header` must point to a message header at the start of a buffer with room for the
/// longest message.
unsafe fn build_payload(header: *mut libc::nlmsghdr, object: &Object) {
    // SAFETY: the caller's promise; each handle lives until the end of its arm.
    unsafe {
        match object {
            Object::Table(attributes) => {
                let table = Handle::<sys::nftnl_table>::new(attributes);
                sys::nftnl_table_nlmsg_build_payload(header, table.as_ptr());
            }
            Object::Chain(attributes) => {
                let chain = Handle::<sys::nftnl_chain>::new(attributes);
                sys::nftnl_chain_nlmsg_build_payload(header, chain.as_ptr());
            }
            Object::Set(attributes) => {
                let set = Handle::<sys::nftnl_set>::new(attributes);
                sys::nftnl_set_nlmsg_build_payload(header, set.as_ptr());
            }
            Object::Rule(attributes, instructions) => {
                let rule = Handle::<sys::nftnl_rule>::new(attributes);
                for instruction in instructions {
                    sys::nftnl_rule_add_expr(rule.as_ptr(), expression(instruction));
                }
                sys::nftnl_rule_nlmsg_build_payload(header, rule.as_ptr());
            }
            Object::Elements(attributes, elements) => {
                let set = Handle::<sys::nftnl_set>::new(attributes);
                for attributes in elements {
                    let element = Handle::<sys::nftnl_set_elem>::new(attributes);
                    sys::nftnl_set_elem_add(set.as_ptr(), element.release());
                }
                sys::nftnl_set_elems_nlmsg_build_payload(header, set.as_ptr());
            }
        }
    }
}

/// An expression of its own, to be given to a rule, which frees it.
fn expression(instruction: &Instruction) -> *mut sys::nftnl_expr {
    let name = CString::new(instruction.name).expect("expression names have no NUL");
    // SAFETY: the name is a C string; libnftnl copies it, and the data of each attribute.
    unsafe {
        let expression = sys::nftnl_expr_alloc(name.as_ptr());
        assert!(!expression.is_null(), "libnftnl knows {name:?}");
        for (number, value) in &instruction.operands.0 {
            let bytes = value.to_bytes();
            let (data, len) = (bytes.as_ptr().cast(), bytes.len() as u32);
            sys::nftnl_expr_set(expression, *number, data, len);
        }
        if let Some((number, beside)) = &instruction.beside {
            // The inner one belongs to the outer one from here on, which frees it.
            let inner = crate::netlink::ffi::expression(beside);
            sys::nftnl_expr_set(expression, *number, inner.cast(), 0);
        }
        expression
    }
}

/// What every kind of object of libnftnl can do.
trait Kind {
    fn alloc() -> *mut Self;
    /// # Safety
    /// `this` comes from `alloc`, and `data` points to `len` bytes; names end with NUL.
    unsafe fn set(this: *mut Self, number: u16, data: *const c_void, len: u32);
    /// # Safety
    /// `this` comes from `alloc` and is not used afterwards.
    unsafe fn free(this: *mut Self);
}

macro_rules! kind {
    ($object:ident, $alloc:ident, $set:ident, $free:ident) => {
        impl Kind for sys::$object {
            fn alloc() -> *mut Self {
                // SAFETY: takes nothing; a null pointer is checked by the caller.
                unsafe { sys::$alloc() }
            }
            unsafe fn set(this: *mut Self, number: u16, data: *const c_void, len: u32) {
                // SAFETY: the caller's promise; libnftnl copies the data.
                let _ = unsafe { sys::$set(this, number, data, len) };
            }
            unsafe fn free(this: *mut Self) {
                // SAFETY: the caller's promise.
                unsafe { sys::$free(this) }
            }
        }
    };
}

kind!(
    nftnl_table,
    nftnl_table_alloc,
    nftnl_table_set_data,
    nftnl_table_free
);
kind!(
    nftnl_chain,
    nftnl_chain_alloc,
    nftnl_chain_set_data,
    nftnl_chain_free
);
kind!(
    nftnl_set,
    nftnl_set_alloc,
    nftnl_set_set_data,
    nftnl_set_free
);
kind!(
    nftnl_rule,
    nftnl_rule_alloc,
    nftnl_rule_set_data,
    nftnl_rule_free
);
kind!(
    nftnl_set_elem,
    nftnl_set_elem_alloc,
    nftnl_set_elem_set,
    nftnl_set_elem_free
);

/// An object of libnftnl that is freed when it goes out of scope.
struct Handle<K: Kind>(NonNull<K>);

impl<K: Kind> Handle<K> {
    fn new(attributes: &Attributes) -> Self {
        let handle = Handle(NonNull::new(K::alloc()).expect("memory for a netlink object"));
        for (number, value) in &attributes.0 {
            let bytes = value.to_bytes();
            // SAFETY: the object was just allocated, and the bytes live through the call.
            unsafe {
                K::set(
                    handle.as_ptr(),
                    *number,
                    bytes.as_ptr().cast(),
                    bytes.len() as u32,
                );
            }
        }
        handle
    }

    fn as_ptr(&self) -> *mut K {
        self.0.as_ptr()
    }

    /// Gives the object to one that will free it.
    fn release(self) -> *mut K {
        let pointer = self.as_ptr();
        std::mem::forget(self);
        pointer
    }
}

impl<K: Kind> Drop for Handle<K> {
    fn drop(&mut self) {
        // SAFETY: the object is ours and nobody uses it afterwards.
        unsafe { K::free(self.as_ptr()) }
    }
}
