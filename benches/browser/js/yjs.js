// Yjs, kept by y-indexeddb.

import { Doc } from 'yjs';
import { IndexeddbPersistence, storeState } from 'y-indexeddb';

const MAP = 'entries';

/** Keeps a document with these entries, in the shortest form that it has: one update. */
export async function yjsWrite(name, keys, values) {
  const doc = new Doc();
  const kept = new IndexeddbPersistence(name, doc);
  await kept.whenSynced;
  doc.transact(() => {
    const map = doc.getMap(MAP);
    keys.forEach((key, at) => map.set(key, values[at]));
  });
  await storeState(kept, true);
  await kept.destroy();
  doc.destroy();
}

/** Opens the document: the milliseconds until its entries can be read. */
export async function yjsOpen(name, size, key, value) {
  const start = performance.now();
  const doc = new Doc();
  const kept = new IndexeddbPersistence(name, doc);
  await kept.whenSynced;
  const found = doc.getMap(MAP).get(key);
  const taken = performance.now() - start;
  if (found !== value || doc.getMap(MAP).size !== size) {
    throw new Error('the document is not the one that was kept');
  }
  await kept.destroy();
  doc.destroy();
  return taken;
}
