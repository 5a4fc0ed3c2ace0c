// IndexedDB without a library: one record for each entry.

const STORE = 'entries';

const ended = (request, event) => new Promise((resolve, reject) => {
  request[event] = () => resolve(request.result);
  request.onerror = request.onabort = () => reject(request.error);
});

const opened = (name) => {
  const request = indexedDB.open(name, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  return ended(request, 'onsuccess');
};

/** Writes every record at the key of the same place, in one transaction. */
export async function plainWrite(name, keys, records) {
  const database = await opened(name);
  const transaction = database.transaction(STORE, 'readwrite');
  const store = transaction.objectStore(STORE);
  keys.forEach((key, at) => store.put(records[at], key));
  await ended(transaction, 'oncomplete');
  database.close();
}

/** Opens the database and reads every record: one request for all of them is the fastest that there is. */
export async function plainRead(name) {
  const database = await opened(name);
  const records = await ended(database.transaction(STORE).objectStore(STORE).getAll(), 'onsuccess');
  database.close();
  return records;
}

/** Removes a database, once its connections are closed. */
export async function forget(name) {
  await ended(indexedDB.deleteDatabase(name), 'onsuccess');
}
