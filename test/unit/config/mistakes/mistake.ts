import type { Flags } from '../../../../src/config/configuration.ts';
import type { Layout } from '../../../support/config-place.ts';

/** One mistake, and the exact line that it must bring. `DIR` is the folder of the layout, here and in the line. */
export type Mistake = Layout & {
  readonly name: string;
  readonly flags?: Flags;
  readonly configFile?: string;
  readonly message: string;
};

/** A clouds.yaml with one faultless cloud. */
export const GOOD_CLOUDS = `clouds:
  one:
    auth:
      auth_url: http://ks.example:5000/v3
      username: ada
      password: s3cr3t-pw
      project_name: engines
`;

/** Beside a faultless clouds.yaml. */
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

/** A faultless cloud, with `text` laid into it beside `auth`. */
export const cloudWith = (name: string, text: string, message: string): Mistake =>
  cloudsYaml(name, `${GOOD_CLOUDS}${text.replaceAll(/^/gm, '    ')}\n`, message);

/** A cloud with this `auth`. */
export const cloudAuth = (name: string, auth: string, message: string): Mistake =>
  cloudsYaml(name, `clouds:\n  one:\n    auth:\n${auth.replaceAll(/^/gm, '      ')}\n`, message);
