// A certified OpenID Provider (npm `oidc-provider`) for Muster's tests: people, groups and clients are changed while it runs.
//
// Prints one JSON line when ready: {"ready": true, "issuer", "address", "control"}. Ends on SIGTERM; with STATE_FILE everything
// it knows (tokens too) is written there first and read again at the next start, as a real IdP's database would be.
//
// Environment: PORT (0), CONTROL_PORT (0), ISSUER (http://127.0.0.1:PORT; set it when something stands in front), STATE_FILE,
//              ACCESS_TOKEN_TTL, REFRESH_TOKEN_TTL (seconds); TLS_FILE (certificate and key in PEM: it serves https, asks clients for a
//              certificate and takes the methods of RFC 8705).
//
// Control endpoint (JSON, loopback only), every answer is JSON:
//   PUT  /people/SUB   {name, email, email_verified, groups}   `groups: null` drops the claim; members not named are kept
//   POST /people/SUB/age {seconds}                            the person's sessions were begun so much earlier
//   POST /people/SUB/suspend | resume | logout                 suspend and logout end the person's sessions at the IdP;
//                                                              logout also revokes what was granted
//   PUT  /clients/ID   {client_secret, redirect_uris, …}       makes a client or changes it (a rotated secret); null takes a member away
//   GET  /stats?client_id=ID                                   token calls, oldest first: {client_id, grant_type, sub, outcome}

import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';

import Provider from 'oidc-provider';

const environment = process.env;
const saved = environment.STATE_FILE && fs.existsSync(environment.STATE_FILE)
  ? JSON.parse(fs.readFileSync(environment.STATE_FILE, 'utf8'))
  : {};
const rows = new Map(saved.rows ?? []);
const people = new Map(saved.people ?? []);
const keys = saved.keys ?? makeKeys();
const tokenCalls = saved.tokenCalls ?? [];
const tls = environment.TLS_FILE ? fs.readFileSync(environment.TLS_FILE) : null;

function makeKeys() {
  const { privateKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
  return {
    cookie: crypto.randomBytes(32).toString('hex'),
    jwks: [{ ...privateKey.export({ format: 'jwk' }), kid: crypto.randomUUID(), alg: 'RS256', use: 'sig' }],
  };
}

// The provider's own memory adapter forgets after 1,000 rows; this one keeps everything until it expires.
class Rows {
  constructor(model) {
    this.model = model;
  }

  key(id) {
    return `${this.model}:${id}`;
  }

  live(key) {
    const row = rows.get(key);
    if (row?.until && row.until < Date.now()) rows.delete(key);
    return rows.get(key)?.payload;
  }

  where(member, value) {
    for (const key of rows.keys()) {
      if (key.startsWith(`${this.model}:`) && this.live(key)?.[member] === value) return this.live(key);
    }
    return undefined;
  }

  async find(id) { return this.live(this.key(id)); }

  async findByUid(uid) { return this.where('uid', uid); }

  async findByUserCode(code) { return this.where('userCode', code); }

  async upsert(id, payload, seconds) {
    rows.set(this.key(id), { payload, until: seconds ? Date.now() + seconds * 1000 : null });
  }

  async consume(id) { this.live(this.key(id)).consumed = Math.floor(Date.now() / 1000); }

  async destroy(id) { rows.delete(this.key(id)); }

  async revokeByGrantId(grantId) { removeRows((_, payload) => payload.grantId === grantId); }
}

function removeRows(matches) {
  for (const [key, { payload }] of rows) if (matches(key, payload)) rows.delete(key);
}

function endSessions(sub) {
  removeRows((key, payload) => key.startsWith('Session:') && payload.accountId === sub);
}

function revokeGrants(sub) {
  removeRows((key, payload) => !key.startsWith('Session:') && payload.accountId === sub);
}

function ageSessions(sub, seconds) {
  for (const [key, { payload }] of rows) {
    if (key.startsWith('Session:') && payload.accountId === sub) payload.loginTs -= seconds;
  }
}

function findAccount(_, sub) {
  const person = people.get(sub);
  if (!person || person.suspended) return undefined;
  return { accountId: sub, claims: async () => claimsOf(sub, person) };
}

function claimsOf(sub, { name, email, email_verified, groups }) {
  const claims = { sub, name, email, email_verified, preferred_username: sub };
  return groups === null ? claims : { ...claims, groups };
}

// People of one organisation are not asked whether they permit its own application.
async function loadExistingGrant({ oidc }) {
  const grantId = oidc.session.grantIdFor(oidc.client.clientId);
  const earlier = grantId && await oidc.provider.Grant.find(grantId);
  if (earlier) return earlier;
  const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
  grant.addOIDCScope('openid profile email groups');
  await grant.save();
  return grant;
}

// Names under `localhost` are this machine, as in a browser; not every resolver outside one knows them, and `fetch` sets Host itself.
function callHere(url, { dispatcher, ...options }) {
  const { hostname, host, port, pathname, search } = new URL(url);
  if (!hostname.endsWith('.localhost')) return globalThis.fetch(url, options);
  return new Promise((resolve, reject) => {
    const headers = { ...Object.fromEntries(new Headers(options.headers)), host };
    const target = { host: '127.0.0.1', port, path: pathname + search, method: options.method ?? 'GET', headers };
    const request = http.request(target, (answer) => {
      bodyOf(answer).then((body) => resolve(new Response(body || null, { status: answer.statusCode, headers: answer.headers })), reject);
    });
    request.on('error', reject).end(options.body?.toString());
  });
}

// A self-signed certificate counts when the client registered it (`jwks` with `x5c`); no authority is known here.
function mutualTls() {
  return {
    enabled: tls !== null,
    certificateBoundAccessTokens: tls !== null,
    selfSignedTlsClientAuth: tls !== null,
    getCertificate: (ctx) => {
      const { raw } = ctx.socket.getPeerCertificate?.() ?? {};
      return raw && new crypto.X509Certificate(raw).toString();
    },
  };
}

function configuration() {
  return {
    acrValues: ['urn:example:strong'],
    adapter: Rows,
    findAccount,
    loadExistingGrant,
    clientAuthMethods: [
      'client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none', ...(tls ? ['self_signed_tls_client_auth'] : []),
    ],
    claims: {
      openid: ['sub'],
      profile: ['name', 'preferred_username'],
      email: ['email', 'email_verified'],
      groups: ['groups'],
    },
    clientDefaults: { grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'] },
    conformIdTokenClaims: false,
    cookies: { keys: [keys.cookie], names: { session: 'op_session', interaction: 'op_interaction', resume: 'op_resume' } },
    // An outgoing call to loopback (back-channel logout) is what the tests are about.
    fetch: callHere,
    features: {
      backchannelLogout: { enabled: true },
      devInteractions: { enabled: false },
      mTLS: mutualTls(),
      revocation: { enabled: true },
      rpInitiatedLogout: { enabled: true },
    },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    issueRefreshToken: async () => environment.REFRESH_TOKENS !== 'never',
    expiresWithSession: async () => false,
    jwks: { keys: keys.jwks },
    pkce: { required: () => true },
    rotateRefreshToken: true,
    ttl: {
      AccessToken: Number(environment.ACCESS_TOKEN_TTL ?? 3600),
      AuthorizationCode: 60,
      Grant: 30 * 86400,
      IdToken: 3600,
      Interaction: 600,
      RefreshToken: Number(environment.REFRESH_TOKEN_TTL ?? 14 * 86400),
      Session: 86400,
    },
  };
}

function recordTokenCalls(provider) {
  const record = (ctx, outcome) => tokenCalls.push({
    client_id: ctx.oidc.client?.clientId ?? ctx.oidc.params?.client_id ?? null,
    grant_type: ctx.oidc.params?.grant_type ?? null,
    sub: ctx.oidc.account?.accountId ?? null,
    outcome,
  });
  provider.on('grant.success', (ctx) => record(ctx, 'ok'));
  provider.on('grant.error', (ctx, error) => record(ctx, error.error ?? error.message));
}

async function bodyOf(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

function page(response, status, text) {
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
  response.end(`<!doctype html><html lang="en"><title>Test IdP</title><body>${text}</body></html>`);
}

const form = (action) => `<form method="post" action="${action}"><label>Login <input name="login"></label>
<label>Password <input name="password" type="password"></label><button name="do" value="sign-in">Sign in</button>
<button name="do" value="cancel">Cancel</button></form>`;

async function interact(provider, request, response) {
  if (request.method === 'GET') {
    await provider.interactionDetails(request, response);
    page(response, 200, form(request.url));
    return;
  }
  const fields = new URLSearchParams(await bodyOf(request));
  const login = fields.get('login');
  if (fields.get('do') === 'cancel') {
    const refusal = { error: 'access_denied', error_description: 'End-User aborted interaction' };
    await provider.interactionFinished(request, response, refusal, { mergeWithLastSubmission: false });
  } else if (!findAccount(null, login)) {
    page(response, 403, `<p id="refused">This account cannot sign in.</p>${form(request.url)}`);
  } else {
    const { params } = await provider.interactionDetails(request, response);
    const result = { login: { accountId: login, acr: params.acr_values?.split(' ')[0] } };
    await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  }
}

const newcomer = { name: null, email: null, email_verified: true, groups: [], suspended: false };

function changePerson(sub, verb, change) {
  if (verb === undefined) people.set(sub, { ...(people.get(sub) ?? newcomer), ...change });
  const person = people.get(sub);
  if (!person) return [404, { error: 'no such person' }];
  if (verb === 'suspend' || verb === 'resume') person.suspended = verb === 'suspend';
  if (verb === 'suspend' || verb === 'logout') endSessions(sub);
  if (verb === 'logout') revokeGrants(sub);
  if (verb === 'age') ageSessions(sub, change.seconds);
  return [200, person];
}

function changeClient(id, change) {
  const key = `Client:${id}`;
  const changed = { ...rows.get(key)?.payload, ...change, client_id: id };
  const payload = Object.fromEntries(Object.entries(changed).filter(([, value]) => value !== null));
  rows.set(key, { payload, until: null });
  return [200, rows.get(key).payload];
}

function control(method, url, body) {
  const [, kind, id, verb] = url.pathname.split('/').map(decodeURIComponent);
  if (kind === 'people' && id && (method === 'PUT') === (verb === undefined)) return changePerson(id, verb, body);
  if (kind === 'clients' && id && method === 'PUT') return changeClient(id, body);
  if (kind !== 'stats' || method !== 'GET') return [404, { error: 'not found' }];
  const client = url.searchParams.get('client_id');
  return [200, { token_calls: tokenCalls.filter((call) => client === null || call.client_id === client) }];
}

function listen(server, port) {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(Number(port ?? 0), '127.0.0.1', () => resolve(`127.0.0.1:${server.address().port}`));
  });
}

function stop(servers) {
  if (environment.STATE_FILE) {
    const state = { rows: [...rows], people: [...people], keys, tokenCalls };
    fs.writeFileSync(environment.STATE_FILE, JSON.stringify(state), { mode: 0o600 });
  }
  for (const server of servers) server.close();
  process.exit(0);
}

async function main() {
  const handler = { provider: null, callback: null };
  const serve = (request, response) => {
    const answer = request.url.startsWith('/interaction/')
      ? interact(handler.provider, request, response)
      : handler.callback(request, response);
    Promise.resolve(answer).catch(() => page(response, 400, '<p id="refused">This sign-in is over.</p>'));
  };
  const asked = { key: tls, cert: tls, requestCert: true, rejectUnauthorized: false };
  const server = tls ? https.createServer(asked, serve) : http.createServer(serve);
  const controlServer = http.createServer(async (request, response) => {
    const body = await bodyOf(request);
    const [status, answer] = control(request.method, new URL(request.url, 'http://control'), body ? JSON.parse(body) : {});
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
  const address = await listen(server, environment.PORT);
  const issuer = environment.ISSUER ?? `${tls ? 'https' : 'http'}://${address}`;
  handler.provider = new Provider(issuer, configuration());
  handler.callback = handler.provider.callback();
  recordTokenCalls(handler.provider);
  const controlAddress = await listen(controlServer, environment.CONTROL_PORT);
  process.on('SIGTERM', () => stop([server, controlServer]));
  console.log(JSON.stringify({ ready: true, issuer, address, control: controlAddress }));
}

await main();
