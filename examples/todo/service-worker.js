// Lets the page open without a network. It keeps the page and the files that the page names.
//
// A file with a hash in its name, as trunk and cargo-leptos give it, never changes, so it comes from
// the cache. The page itself comes from the network, and from the cache when the network fails or
// does not answer in time. Everything else is left to the browser.

const CACHE = 'app';
const HASHED = /[\w./-]*(?:-[0-9a-f]{12,16}(?:_bg)?|\.[\w-]{22})\.(?:js|wasm|css)/g;

// How long the page waits for a network that does not answer.
const PATIENCE_MS = 4000;

addEventListener('install', event => {
  skipWaiting();
  event.waitUntil(fetch('./', { cache: 'no-cache' }).then(keep));
});

addEventListener('activate', event => event.waitUntil(clients.claim()));

addEventListener('fetch', event => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== location.origin) return;
  if (request.mode === 'navigate') {
    event.respondWith(networkFirst(event));
  } else if (url.pathname.match(HASHED)) {
    event.respondWith(caches.match(url.pathname).then(kept => kept ?? fetch(request)));
  }
});

async function networkFirst(event) {
  const network = fetch(event.request).catch(() => null);
  event.waitUntil(network.then(answer => answer?.ok && isPage(event.request) && keep(answer.clone())));
  const answer = await Promise.race([network, new Promise(done => setTimeout(done, PATIENCE_MS))]);
  if (answer && answer.status < 500) return answer;
  return (await caches.match('./')) ?? (await network) ?? Response.error();
}

// The worker's scope may hold other pages, which are not the app.
function isPage(request) {
  return new URL(request.url).pathname === new URL('./', location).pathname;
}

// Stores the files first and the page last, so that a kept page always finds its files.
async function keep(response) {
  if (!response.ok) return;
  const cache = await caches.open(CACHE);
  const page = await response.clone().text();
  const files = [...new Set(page.match(HASHED))].map(file => new URL(file, location).pathname);
  // Not the app, but the sign-in page of a network or of a proxy.
  if (!files.length) return;
  const kept = (await cache.keys()).map(request => new URL(request.url).pathname);
  await cache.addAll(files.filter(file => !kept.includes(file)));
  await cache.put('./', response);
  const old = kept.filter(path => path.match(HASHED) && !files.includes(path));
  await Promise.all(old.map(path => cache.delete(path)));
}
