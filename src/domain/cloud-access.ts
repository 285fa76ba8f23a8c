import { type Secret, secret } from './redaction.ts';

/** A domain, as a Keystone v3 request refers to it. */
export type DomainRef = { readonly id: string } | { readonly name: string };
/** A user or project: an id is sufficient, a name needs its domain. */
export type UserRef = { readonly id: string } | { readonly name: string; readonly domain: DomainRef };
export type ProjectRef = UserRef;

export type CloudAuth<S = Secret> =
  | { readonly type: 'password'; readonly user: UserRef; readonly password: S; readonly project: ProjectRef }
  | {
      readonly type: 'application-credential';
      /** It includes its project: Keystone refuses a request with another scope. */
      readonly credential: { readonly id: string } | { readonly name: string; readonly user: UserRef };
      readonly secret: S;
    }
  /** `project`: rescopes the token; null keeps its scope. */
  | { readonly type: 'token'; readonly token: S; readonly project: ProjectRef | null };

export type EndpointInterface = 'public' | 'internal' | 'admin';

/** Values by service type, named as in the catalogue: compute, image, network, identity, ... */
export type ByService<T> = { readonly [serviceType: string]: T };

/** Everything needed to connect to a cloud, as configured for all OpenStack clients. */
export type CloudAccess<S = Secret> = {
  /** The name in clouds.yaml; 'envvars' if the access comes from OS_* variables. */
  readonly name: string;
  /** The URL of Keystone, with or without /v3. */
  readonly authUrl: string;
  readonly auth: CloudAuth<S>;
  /** Null: the only region of the catalogue. */
  readonly regionName: string | null;
  readonly interface: EndpointInterface;
  /** The interfaces of services that have one of their own (`compute_interface`). */
  readonly interfaces: ByService<EndpointInterface>;
  readonly tls: {
    /** CA certificates to trust, as PEM; null: those of the system. */
    readonly ca: string | null;
    /** The client certificate, as PEM, and its key. */
    readonly cert: string | null;
    readonly key: S | null;
    readonly verify: boolean;
  };
  /** Endpoints to use instead of those of the catalogue. */
  readonly overrides: ByService<string>;
  /** 'N.M'; null: the default of Rollwatch. */
  readonly computeMicroversion: string | null;
  /** The timeout of requests outside probes, in milliseconds; null: the default of Rollwatch. */
  readonly apiTimeout: number | null;
};

/** Converts every secret of a cloud access. */
function mapSecrets<A, B>(access: CloudAccess<A>, convert: (secret: A) => B): CloudAccess<B> {
  const { tls } = access;
  const key = tls.key === null ? null : convert(tls.key);
  return { ...access, auth: mapAuth(access.auth, convert), tls: { ...tls, key } };
}

function mapAuth<A, B>(auth: CloudAuth<A>, convert: (secret: A) => B): CloudAuth<B> {
  switch (auth.type) {
    case 'password':
      return { ...auth, password: convert(auth.password) };
    case 'application-credential':
      return { ...auth, secret: convert(auth.secret) };
    case 'token':
      return { ...auth, token: convert(auth.token) };
  }
}

/** Converts an access to plain data, to send it to another thread. Never log the result. */
export const revealAccess = (access: CloudAccess): CloudAccess<string> =>
  mapSecrets(access, (sealed) => sealed.reveal());

/** Reverses `revealAccess`, in the receiving thread. */
export const sealAccess = (access: CloudAccess<string>): CloudAccess => mapSecrets(access, secret);
