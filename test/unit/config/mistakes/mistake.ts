import type { Flags } from '../../../../src/config/configuration.ts';
import type { Layout } from '../../../support/config-place.ts';

/** A mistake and the exact error message for it. `DIR` is the folder of the layout in both. */
export type Mistake = Layout & {
  readonly name: string;
  readonly flags?: Flags;
  readonly configFile?: string;
  readonly message: string;
};

/** A clouds.yaml with one valid cloud. */
export const GOOD_CLOUDS = `clouds:
  one:
    auth:
      auth_url: http://ks.example:5000/v3
      username: ada
      password: s3cr3t-pw
      project_name: engines
`;

/** A rollwatch.yaml with a valid clouds.yaml. */
export const settings = (name: string, text: string, message: string): Mistake => ({
  name,
  files: { 'work/clouds.yaml': GOOD_CLOUDS, 'work/rollwatch.yaml': text },
  message,
});

export const cloudsYaml = (name: string, text: string, message: string): Mistake => ({
  name,
  files: { 'work/clouds.yaml': text },
  message,
});

/** A valid cloud, with `text` added next to `auth`. */
export const cloudWith = (name: string, text: string, message: string): Mistake =>
  cloudsYaml(name, `${GOOD_CLOUDS}${text.replaceAll(/^/gm, '    ')}\n`, message);

/** A cloud with this `auth`. */
export const cloudAuth = (name: string, auth: string, message: string): Mistake =>
  cloudsYaml(name, `clouds:\n  one:\n    auth:\n${auth.replaceAll(/^/gm, '      ')}\n`, message);
