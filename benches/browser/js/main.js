// What the page is compared with, in the language that it is written in. Bundled into `peers.js`.
export * from './plain.js';
export * from './yjs.js';
