// Checks that a line stands in a Merkle tree, as RFC 6962 has it, by nothing but what
// the proof says: SHA-256 of 0 and the line is a leaf, of 1 and two hashes their node.

const encoder = new TextEncoder();

async function hash(prefix, ...parts) {
  const length = parts.reduce((n, p) => n + p.length, 1);
  const bytes = new Uint8Array(length);
  bytes[0] = prefix;
  let at = 1;
  for (const p of parts) {
    bytes.set(p, at);
    at += p.length;
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

const fromBase64 = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const hex = (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");

// able says whether this browser lets a page hash: over TLS or on this machine only.
export const able = () => Boolean(globalThis.crypto?.subtle);

// holds reports whether leaf number index, of line, is in the tree of size leaves
// with this root.
export async function holds(line, index, size, root, hashes) {
  if (index < 0 || index >= size) return false;
  let at = index;
  let last = size - 1;
  let node = await hash(0, encoder.encode(line));
  for (const text of hashes) {
    if (last === 0) return false;
    const sibling = fromBase64(text);
    if (at % 2 === 1 || at === last) {
      node = await hash(1, sibling, node);
      while (at % 2 === 0 && at !== 0) {
        at = Math.floor(at / 2);
        last = Math.floor(last / 2);
      }
    } else {
      node = await hash(1, node, sibling);
    }
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && hex(node) === root;
}
