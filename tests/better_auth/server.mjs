// A Better Auth server as a site has one, for tests: Node's own HTTP server on loopback, the options of the first
// argument (JSON). It makes its tables, prints {"url": …} and serves until it is ended.
//   database: sqlite:/path or postgres://…    secret    basePath    cache: its cookieCache's strategy
//   algorithm: the jwt plugin's               audience  lifetime: of a token, as "15m"    grace: seconds of an old key
import { createServer } from "node:http";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import { bearer, jwt } from "better-auth/plugins";
import Database from "better-sqlite3";
import pg from "pg";

const given = JSON.parse(process.argv[2]);
const server = createServer();
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const url = `http://127.0.0.1:${server.address().port}`;

const options = {
  baseURL: url,
  basePath: given.basePath ?? "/api/auth",
  secret: given.secret,
  database: given.database.startsWith("sqlite:")
    ? new Database(given.database.slice("sqlite:".length))
    : new pg.Pool({ connectionString: given.database, max: 2 }),
  emailAndPassword: { enabled: true },
  session: given.cache ? { cookieCache: { enabled: true, strategy: given.cache } } : {},
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  plugins: [
    bearer(),
    jwt({
      jwks: {
        ...(given.algorithm ? { keyPairConfig: { alg: given.algorithm } } : {}),
        ...(given.grace === undefined ? {} : { gracePeriod: given.grace }),
      },
      jwt: { audience: given.audience, expirationTime: given.lifetime ?? "15m" },
    }),
  ],
};
const { runMigrations } = await getMigrations(options);
await runMigrations();
server.on("request", toNodeHandler(betterAuth(options)));
console.log(JSON.stringify({ url }));
