import { z } from 'zod';
import { moment } from '../moment.ts';
import type { Identity, Project, User } from './identity.ts';
import type { Tokens } from './tokens.ts';

/** The body of POST /v3/auth/tokens, as far as it is understood here. */
const domain = z.object({ id: z.string().optional(), name: z.string().optional() }).optional();
const named = z.object({ id: z.string().optional(), name: z.string().optional(), domain });

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
 * What the request is granted; null for whatever reason, as Keystone tells none, but for two of application
 * credentials: an id that does not exist, and a scope, which they cannot ask for.
 */
export function grant(
  { auth }: AuthRequest,
  { identity, tokens }: { identity: Identity; tokens: Tokens },
): Grant | 'no such credential' | 'no scope' | null {
  const { methods, password, token, application_credential: credential } = auth.identity;
  const inDomain = ({ domain: given }: Named) =>
    given === undefined || given.id === identity.domain.id || given.name === identity.domain.name;
  const find = <T extends { readonly id: string; readonly name: string }>(
    all: readonly T[],
    who: Named,
  ): T | undefined =>
    who.id === undefined
      ? all.find((one) => one.name === who.name && inDomain(who))
      : all.find((one) => one.id === who.id);

  if (methods.includes('application_credential') && credential !== undefined) {
    const owner = credential.user === undefined ? undefined : find(identity.users, credential.user);
    const known = [...identity.credentials.values()].find(
      (one) => one.id === credential.id || (one.name === credential.name && one.user.id === owner?.id),
    );
    if (known === undefined && credential.id !== undefined) return 'no such credential';
    if (auth.scope !== undefined) return 'no scope';
    if (known === undefined || known.secret !== credential.secret) return null;
    if (known.expiresAt !== null && known.expiresAt <= moment()) return null;
    return { user: known.user, project: known.user.project, methods, expiresBy: known.expiresAt };
  }

  const scope = z.object({ project: named }).safeParse(auth.scope);
  const scoped = (user: User, expiresBy: number | null): Grant | null => {
    if (!scope.success) return { user, project: auth.scope === undefined ? user.project : null, methods, expiresBy };
    const project = find(identity.projects, scope.data.project);
    if (project === undefined) return null;
    const allowed = project.id === user.project.id || user.name === 'admin';
    return allowed ? { user, project, methods, expiresBy } : null;
  };

  if (methods.includes('password') && password !== undefined) {
    const user = find(identity.users, password.user);
    return user !== undefined && user.password === password.user.password ? scoped(user, null) : null;
  }
  if (methods.includes('token') && token !== undefined) {
    const known = tokens.valid(token.id);
    return known === null ? null : scoped(known.user, known.expiresAt);
  }
  return null;
}
