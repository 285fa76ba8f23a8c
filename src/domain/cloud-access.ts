import { type Secret, secret } from './secret.ts';

/** The parts of a Keystone v3 request, one to one: an id is enough, a name needs its domain. */
export type DomainRef = { readonly id: string } | { readonly name: string };
export type UserRef = { readonly id: string } | { readonly name: string; readonly domain: DomainRef };
export type ProjectRef = UserRef;

export type CloudAuth<S = Secret> =
  | { readonly type: 'password'; readonly user: UserRef; readonly password: S; readonly project: ProjectRef }
  | {
      readonly type: 'application-credential';
      /** It carries its project: Keystone refuses a request that names another scope. */
      readonly credential: { readonly id: string } | { readonly name: string; readonly user: UserRef };
      readonly secret: S;
    }
  /** `project`: rescopes the token; null takes it as it is. */
  | { readonly type: 'token'; readonly token: S; readonly project: ProjectRef | null };

export type EndpointInterface = 'public' | 'internal' | 'admin';

/** By service type as the catalogue names it: compute, image, network, identity, ... */
export type ByService<T> = { readonly [serviceType: string]: T };

/** All that is needed to speak to a cloud, as its user configured it for every OpenStack client. */
export type CloudAccess<S = Secret> = {
  /** As in clouds.yaml; 'envvars' when it is made of OS_* variables. */
  readonly name: string;
  /** Keystone, with or without its /v3. */
  readonly authUrl: string;
  readonly auth: CloudAuth<S>;
  /** Null: the catalogue's only region. */
  readonly regionName: string | null;
  readonly interface: EndpointInterface;
  /** Where a service has an interface of its own (`compute_interface`). */
  readonly interfaces: ByService<EndpointInterface>;
  readonly tls: {
    /** PEM of the authorities to trust instead of the system's; null: the system's. */
    readonly ca: string | null;
    /** PEM of our own certificate and its key, where the cloud asks for one. */
    readonly cert: string | null;
    readonly key: S | null;
    readonly verify: boolean;
  };
  /** Endpoints that stand instead of the catalogue's. */
  readonly overrides: ByService<string>;
  /** 'N.M'; null: ours. */
  readonly computeMicroversion: string | null;
  /** For requests that no probe limits, in milliseconds; null: ours. */
  readonly apiTimeout: number | null;
};

/** The same access with its secrets held in another way. */
export function mapSecrets<A, B>(access: CloudAccess<A>, change: (one: A) => B): CloudAccess<B> {
  const { tls } = access;
  const key = tls.key === null ? null : change(tls.key);
  return { ...access, auth: mapAuth(access.auth, change), tls: { ...tls, key } };
}

function mapAuth<A, B>(auth: CloudAuth<A>, change: (one: A) => B): CloudAuth<B> {
  switch (auth.type) {
    case 'password':
      return { ...auth, password: change(auth.password) };
    case 'application-credential':
      return { ...auth, secret: change(auth.secret) };
    case 'token':
      return { ...auth, token: change(auth.token) };
  }
}

/** Plain data for another thread; never for a log. */
export const revealAccess = (access: CloudAccess): CloudAccess<string> => mapSecrets(access, (one) => one.reveal());

/** On the other side of the thread's border. */
export const sealAccess = (access: CloudAccess<string>): CloudAccess => mapSecrets(access, secret);
