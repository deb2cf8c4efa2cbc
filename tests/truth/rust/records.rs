// SPDX-License-Identifier: MIT
// What a Rust program allocates belongs to its own lines, also behind an allocator of its own.
use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::{BTreeMap, HashMap};

struct Counting;

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

struct Record {
    name: String,
    values: Vec<u32>,
}

#[inline(never)]
fn make(i: u32) -> Box<Record> {
    let name = format!("record {i} with a long name");
    let values = (0..i % 7 + 3).collect();
    Box::new(Record { name, values })
}

#[inline(never)]
fn copy(bytes: &[u8]) -> Vec<u8> {
    bytes.to_vec()
}

#[inline(never)]
fn table(n: u32) -> usize {
    let mut map = HashMap::new();
    let mut tree = BTreeMap::new();
    for i in 0..n {
        map.insert(i, i.to_string());
        tree.insert(i, vec![i; 4]);
    }
    map.len() + tree.len()
}

fn main() {
    let mut sum = 0;
    for i in 0..200 {
        let record = make(i);
        sum += record.name.len() + record.values.len();
        sum += copy(record.name.as_bytes()).len();
        sum += table(20);
        let shared = std::rc::Rc::new(record);
        let words: Vec<String> = shared.name.split(' ').map(|w| w.to_owned()).collect();
        sum += words.join("-").len();
    }
    println!("{sum}");
}
