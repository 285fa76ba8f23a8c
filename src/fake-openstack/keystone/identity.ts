import { randomBytes } from 'node:crypto';

export type User = { readonly id: string; readonly name: string; readonly password: string; readonly project: Project };
export type Project = { readonly id: string; readonly name: string };
export type Role = { readonly id: string; readonly name: string };

export type ApplicationCredential = {
  readonly id: string;
  readonly name: string;
  readonly secret: string;
  readonly user: User;
  readonly description: string | null;
  readonly expiresAt: number | null;
};

/** Who there is: named as on the real cloud. */
export type Identity = {
  readonly domain: { readonly id: 'default'; readonly name: 'Default' };
  readonly users: readonly User[];
  readonly projects: readonly Project[];
  /** To whom the network belongs. */
  readonly owner: Project;
  rolesOf(user: User): readonly Role[];
  readonly credentials: Map<string, ApplicationCredential>;
};

export const hexId = (): string => randomBytes(16).toString('hex');

export function createIdentity(password: string): Identity {
  const probe = { id: hexId(), name: 'probe' };
  const admin = { id: hexId(), name: 'admin' };
  const reader = { id: hexId(), name: 'reader' };
  const member = { id: hexId(), name: 'member' };
  const administrator = { id: hexId(), name: 'admin' };
  return {
    domain: { id: 'default', name: 'Default' },
    users: [
      { id: hexId(), name: 'probe', password, project: probe },
      { id: hexId(), name: 'admin', password, project: admin },
    ],
    projects: [probe, admin],
    owner: probe,
    rolesOf: ({ name }) => (name === 'admin' ? [reader, member, administrator] : [reader, member]),
    credentials: new Map(),
  };
}
