import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { TimeScale } from '../clock.ts';
import type { Processes } from '../faults/processes.ts';
import {
  createRouter,
  headerOf,
  json,
  parseJson,
  type Reply,
  type Route,
  type RouteRequest,
  type RouteResponse,
  requestId,
  withHeaders,
} from '../http/routes.ts';
import { REQUEST_SECONDS, TOKEN_ISSUE_SECONDS } from '../timings.ts';
import { authSchema, grantFor } from './auth-request.ts';
import { type ApplicationCredential, type CatalogEntry, hexId, type Identity } from './identity.ts';
import type { IssuedToken, Tokens } from './tokens.ts';

export type KeystoneOptions = {
  readonly identity: Identity;
  readonly tokens: Tokens;
  readonly catalog: readonly CatalogEntry[];
  readonly timeScale: TimeScale;
  readonly processes: Processes;
  /** Keystone's URL, which ends in '/v3'. */
  readonly url: string;
};

type KeystoneContext = { readonly request: RouteRequest; readonly token: IssuedToken | null };

const keystoneError = (code: number, title: string, message: string): RouteResponse =>
  json(code, { error: { code, message, title } });

const MALFORMED =
  'The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.';

const pythonTime = (ms: number): string => new Date(ms).toISOString().replace(/\.(\d{3})Z$/, '.$1000Z');

export function createKeystone(
  options: KeystoneOptions,
): (request: RouteRequest, signal: AbortSignal) => Promise<Reply> {
  const { identity, tokens, catalog, timeScale, processes, url } = options;
  const denied = withHeaders(keystoneError(401, 'Unauthorized', 'The request you have made requires authentication.'), {
    'WWW-Authenticate': `Keystone uri="${url}"`,
  });
  const version = {
    id: 'v3.14',
    status: 'stable',
    updated: '2020-04-07T00:00:00Z',
    links: [{ rel: 'self', href: `${url}/` }],
    'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
  };

  const tokenView = (token: IssuedToken) => ({
    token: {
      methods: token.methods,
      user: { domain: identity.domain, id: token.user.id, name: token.user.name, password_expires_at: null },
      audit_ids: [token.auditId],
      // If the application credential limits the lifetime, Keystone omits the zone (UTC).
      expires_at: token.expiresWithCredential ? pythonTime(token.expiresAt).slice(0, 19) : pythonTime(token.expiresAt),
      issued_at: pythonTime(token.issuedAt),
      ...(token.project === null
        ? {}
        : {
            project: { domain: identity.domain, ...token.project },
            is_domain: false,
            roles: identity.rolesOf(token.user),
            catalog,
          }),
    },
  });

  const projectView = (project: { readonly id: string; readonly name: string }) => ({
    ...project,
    domain_id: identity.domain.id,
    description: '',
    enabled: true,
    parent_id: identity.domain.id,
    is_domain: false,
    tags: [],
    options: {},
    links: { self: `${url}/projects/${project.id}` },
  });

  const userView = (user: { readonly id: string; readonly name: string }) => ({
    id: user.id,
    name: user.name,
    domain_id: identity.domain.id,
    enabled: true,
    password_expires_at: null,
    options: {},
    links: { self: `${url}/users/${user.id}` },
  });

  async function issue({ request }: KeystoneContext): Promise<Reply> {
    const body = parseJson(request.body);
    if (body === undefined) {
      return keystoneError(400, 'Bad Request', `Expecting to find valid JSON in request body. ${MALFORMED}`);
    }
    const parsed = authSchema.safeParse(body);
    if (!parsed.success) {
      const expected = z.object({ auth: z.unknown() }).safeParse(body).success ? 'valid auth' : 'auth';
      return keystoneError(400, 'Bad Request', `Expecting to find ${expected} in request body. ${MALFORMED}`);
    }
    await timeScale.wait(TOKEN_ISSUE_SECONDS);
    const granted = grantFor(parsed.data, { identity, tokens });
    if (granted === null) return denied;
    if (granted === 'no such credential') {
      return missing('Application Credential', parsed.data.auth.identity.application_credential?.id ?? '');
    }
    if (granted === 'no scope') {
      const why = 'Application credentials cannot request a scope.';
      return keystoneError(401, 'Unauthorized', `Error authenticating with application credential: ${why}`);
    }
    const token = tokens.issue(granted);
    return json(201, tokenView(token), { 'X-Subject-Token': token.id });
  }

  /** Creates a route that responds with 401 to requests without a valid token. */
  const authenticated = (
    method: string,
    path: string,
    handle: (token: IssuedToken, context: KeystoneContext, id: string) => Reply,
  ) => ({
    method,
    path,
    handle: (context: KeystoneContext, [id = '']: readonly string[]) =>
      context.token === null ? denied : handle(context.token, context, id),
  });

  const isAdmin = (token: IssuedToken) => token.user.name === 'admin';
  const forbidden = (rule: string) =>
    keystoneError(403, 'Forbidden', `You are not authorized to perform the requested action: ${rule}.`);
  const missing = (what: string, id: string) => keystoneError(404, 'Not Found', `Could not find ${what}: ${id}.`);
  const subjectToken = ({ request }: KeystoneContext) => headerOf(request, 'x-subject-token') ?? '';
  const unknownToken = keystoneError(404, 'Not Found', 'Could not recognize Fernet token');

  const routes: readonly Route<KeystoneContext>[] = [
    {
      method: 'GET',
      path: '/',
      handle: () => json(300, { versions: { values: [version] } }, { Location: `${url}/` }),
    },
    { method: 'GET', path: '/v3', handle: () => json(200, { version }) },
    { method: 'POST', path: '/v3/auth/tokens', handle: issue },
    authenticated('GET', '/v3/auth/tokens', (_token, context) => {
      const token = tokens.findValid(subjectToken(context));
      return token === null ? unknownToken : json(200, tokenView(token), { 'X-Subject-Token': token.id });
    }),
    authenticated('DELETE', '/v3/auth/tokens', (_token, context) => {
      if (tokens.findValid(subjectToken(context)) === null) return unknownToken;
      tokens.revoke(subjectToken(context));
      return { status: 204, headers: {}, body: '' };
    }),
    authenticated('GET', '/v3/auth/catalog', () => json(200, { catalog, links: { self: `${url}/auth/catalog` } })),
    authenticated('GET', '/v3/auth/projects', (token) =>
      json(200, { projects: [projectView(token.user.project)], links: {} }),
    ),
    authenticated('GET', '/v3/projects', (token, { request }) => {
      if (!isAdmin(token)) return forbidden('identity:list_projects');
      const name = request.url.searchParams.get('name');
      return json(200, {
        projects: identity.projects.filter((project) => name === null || project.name === name).map(projectView),
        links: {},
      });
    }),
    authenticated('GET', '/v3/projects/:id', (token, _context, id) => {
      const found = identity.projects.find((project) => project.id === id);
      if (found === undefined) return missing('project', id);
      return isAdmin(token) || token.user.project.id === id
        ? json(200, { project: projectView(found) })
        : forbidden('identity:get_project');
    }),
    authenticated('GET', '/v3/users', (token, { request }) => {
      if (!isAdmin(token)) return forbidden('identity:list_users');
      const name = request.url.searchParams.get('name');
      return json(200, {
        users: identity.users.filter((user) => name === null || user.name === name).map(userView),
        links: {},
      });
    }),
    authenticated('GET', '/v3/users/:id', (token, _context, id) => {
      const found = identity.users.find((user) => user.id === id);
      if (found === undefined) return missing('user', id);
      return isAdmin(token) || token.user.id === id
        ? json(200, { user: userView(found) })
        : forbidden('identity:get_user');
    }),
    authenticated('GET', '/v3/services', (token) => {
      if (!isAdmin(token)) return forbidden('identity:list_services');
      return json(200, {
        services: catalog.map(({ id, name, type }) => ({ id, name, type, enabled: true })),
        links: {},
      });
    }),
    authenticated('GET', '/v3/endpoints', (token) => {
      if (!isAdmin(token)) return forbidden('identity:list_endpoints');
      const endpoints = catalog.flatMap((service) =>
        service.endpoints.map((endpoint) => ({ ...endpoint, service_id: service.id, enabled: true })),
      );
      return json(200, { endpoints, links: {} });
    }),
    ...applicationCredentialRoutes(identity, { authenticated, url }),
  ];
  const find = createRouter(routes);
  const withRequestId = (reply: Reply): Reply =>
    typeof reply === 'string'
      ? reply
      : withHeaders(reply, { Vary: 'X-Auth-Token', 'x-openstack-request-id': requestId() });

  return async (request, signal) => {
    const found = find(request);
    const isVersionRequest = request.url.pathname === '/' || !request.url.pathname.startsWith('/v3');
    // While the database is down, Keystone closes the connection without a response.
    if (!isVersionRequest && !processes.isUp('mariadb')) return 'closed';
    await timeScale.wait(REQUEST_SECONDS.keystone, signal);
    if (found === null) {
      return withRequestId({
        status: 404,
        headers: { 'Content-Type': 'text/html; charset=utf-8' },
        body: '<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n<p>The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.</p>\n',
      });
    }
    const token = tokens.findValid(headerOf(request, 'x-auth-token') ?? '');
    return withRequestId(await found.route.handle({ request, token }, found.parameters));
  };
}

type AuthenticatedRoute = (
  method: string,
  path: string,
  handle: (token: IssuedToken, context: KeystoneContext, id: string) => Reply,
) => Route<KeystoneContext>;

const applicationCredentialSchema = z.object({
  application_credential: z.object({
    name: z.string().min(1),
    secret: z.string().optional(),
    description: z.string().nullish(),
    expires_at: z.string().nullish(),
  }),
});

/** Returns the routes for application credentials, which only their owner can see or change. */
function applicationCredentialRoutes(
  identity: Identity,
  { authenticated, url }: { readonly authenticated: AuthenticatedRoute; readonly url: string },
): readonly Route<KeystoneContext>[] {
  const path = '/v3/users/:id/application_credentials';

  const credentialView = ({ id, name, user, description, expiresAt }: ApplicationCredential) => ({
    id,
    name,
    description,
    user_id: user.id,
    project_id: user.project.id,
    roles: identity.rolesOf(user).map((role) => ({ ...role, domain_id: null })),
    expires_at: expiresAt === null ? null : new Date(expiresAt).toISOString().replace('Z', '000'),
    unrestricted: null,
    system: null,
    links: { self: `${url}/application_credentials/${id}` },
  });

  const ownCredentials = (token: IssuedToken) =>
    [...identity.credentials.values()].filter((credential) => credential.user.id === token.user.id);
  const forbidden = keystoneError(403, 'Forbidden', 'You are not authorized to perform the requested action.');

  function create(token: IssuedToken, { request }: KeystoneContext, owner: string): Reply {
    if (owner !== token.user.id || token.methods.includes('application_credential')) return forbidden;
    const body = applicationCredentialSchema.safeParse(parseJson(request.body));
    if (!body.success) return keystoneError(400, 'Bad Request', "Invalid input for field 'application_credential'.");
    const requested = body.data.application_credential;
    if (ownCredentials(token).some((existing) => existing.name === requested.name)) {
      return keystoneError(
        409,
        'Conflict',
        `Conflict occurred attempting to store application_credential - Duplicate entry found with name ${requested.name}.`,
      );
    }
    // Keystone reads a time without a zone as UTC.
    const expiresAt = requested.expires_at == null ? null : Date.parse(`${requested.expires_at.replace(/Z$/, '')}Z`);
    const credential = {
      id: hexId(),
      name: requested.name,
      secret: requested.secret ?? randomBytes(64).toString('base64url'),
      user: token.user,
      description: requested.description ?? null,
      expiresAt,
    };
    identity.credentials.set(credential.id, credential);
    return json(201, { application_credential: { ...credentialView(credential), secret: credential.secret } });
  }

  return [
    authenticated('POST', path, create),
    authenticated('GET', path, (token, { request }) => {
      const name = request.url.searchParams.get('name');
      const found = ownCredentials(token).filter((credential) => name === null || credential.name === name);
      return json(200, {
        application_credentials: found.map(credentialView),
        links: { self: url, previous: null, next: null },
      });
    }),
    ...['GET', 'DELETE'].map((method) =>
      authenticated(method, `/v3/users/[^/]+/application_credentials/:id`, (token, _context, id) => {
        const credential = identity.credentials.get(id);
        if (credential === undefined || credential.user.id !== token.user.id) {
          return keystoneError(404, 'Not Found', `Could not find Application Credential: ${id}.`);
        }
        if (method === 'GET') return json(200, { application_credential: credentialView(credential) });
        identity.credentials.delete(id);
        return { status: 204, headers: {}, body: '' };
      }),
    ),
  ];
}
