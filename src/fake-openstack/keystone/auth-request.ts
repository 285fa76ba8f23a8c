import { z } from 'zod';
import { now } from '../clock.ts';
import type { Identity, Project, User } from './identity.ts';
import type { Tokens } from './tokens.ts';

const domain = z.object({ id: z.string().optional(), name: z.string().optional() }).optional();
const named = z.object({ id: z.string().optional(), name: z.string().optional(), domain });

/** The body of POST /v3/auth/tokens, as far as the embedded cloud supports it. */
export const authSchema = z.object({
  auth: z.object({
    identity: z.object({
      methods: z.array(z.string()),
      password: z.object({ user: named.extend({ password: z.string() }) }).optional(),
      token: z.object({ id: z.string() }).optional(),
      application_credential: z
        .object({ id: z.string().optional(), name: z.string().optional(), secret: z.string(), user: named.optional() })
        .optional(),
    }),
    scope: z
      .union([z.object({ project: named }), z.literal('unscoped'), z.object({ unscoped: z.unknown() }), z.unknown()])
      .optional(),
  }),
});

export type AuthRequest = z.infer<typeof authSchema>;

export type Grant = {
  readonly user: User;
  readonly project: Project | null;
  readonly methods: readonly string[];
  readonly expiresBy?: number | null;
};

type Named = z.infer<typeof named>;

/**
 * Returns what the request is granted, or null if it is denied. Keystone gives a reason only for application
 * credentials: an unknown id, or a scope, which such credentials cannot request.
 */
export function grantFor(
  { auth }: AuthRequest,
  { identity, tokens }: { identity: Identity; tokens: Tokens },
): Grant | 'no such credential' | 'no scope' | null {
  const { methods, password, token, application_credential: credential } = auth.identity;
  const inDomain = ({ domain: requested }: Named) =>
    requested === undefined || requested.id === identity.domain.id || requested.name === identity.domain.name;
  const find = <T extends { readonly id: string; readonly name: string }>(
    all: readonly T[],
    reference: Named,
  ): T | undefined =>
    reference.id === undefined
      ? all.find((candidate) => candidate.name === reference.name && inDomain(reference))
      : all.find((candidate) => candidate.id === reference.id);

  if (methods.includes('application_credential') && credential !== undefined) {
    const owner = credential.user === undefined ? undefined : find(identity.users, credential.user);
    const known = [...identity.credentials.values()].find(
      (candidate) =>
        candidate.id === credential.id || (candidate.name === credential.name && candidate.user.id === owner?.id),
    );
    if (known === undefined && credential.id !== undefined) return 'no such credential';
    if (auth.scope !== undefined) return 'no scope';
    if (known === undefined || known.secret !== credential.secret) return null;
    if (known.expiresAt !== null && known.expiresAt <= now()) return null;
    return { user: known.user, project: known.user.project, methods, expiresBy: known.expiresAt };
  }

  const scope = z.object({ project: named }).safeParse(auth.scope);
  const grantInScope = (user: User, expiresBy: number | null): Grant | null => {
    if (!scope.success) return { user, project: auth.scope === undefined ? user.project : null, methods, expiresBy };
    const project = find(identity.projects, scope.data.project);
    if (project === undefined) return null;
    const allowed = project.id === user.project.id || user.name === 'admin';
    return allowed ? { user, project, methods, expiresBy } : null;
  };

  if (methods.includes('password') && password !== undefined) {
    const user = find(identity.users, password.user);
    return user !== undefined && user.password === password.user.password ? grantInScope(user, null) : null;
  }
  if (methods.includes('token') && token !== undefined) {
    const known = tokens.findValid(token.id);
    return known === null ? null : grantInScope(known.user, known.expiresAt);
  }
  return null;
}
