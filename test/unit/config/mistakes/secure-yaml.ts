import { GOOD_CLOUDS, type Mistake } from './mistake.ts';

const secure = (name: string, text: string, message: string): Mistake => ({
  name,
  files: { 'work/clouds.yaml': GOOD_CLOUDS, 'work/secure.yaml': text },
  message,
});

export const SECURE_YAML_MISTAKES: readonly Mistake[] = [
  secure(
    'not YAML',
    'clouds: {one: {auth: {password: "s3cr3t-pw}}}\n',
    'DIR/work/secure.yaml:2: invalid YAML: a closing quote, bracket or brace is missing here or above',
  ),
  secure(
    'a list',
    '- s3cr3t-pw\n',
    `DIR/work/secure.yaml: the file is a list; it must be a mapping with the key 'clouds'`,
  ),
  secure(
    'only a password',
    's3cr3t-pw\n',
    `DIR/work/secure.yaml: the file is a string; it must be a mapping with the key 'clouds'`,
  ),
  secure(
    'clouds that are a string',
    'clouds: s3cr3t-pw\n',
    `DIR/work/secure.yaml: 'clouds' is a string; it must be a mapping of names to clouds`,
  ),
  secure(
    'a cloud that is a password',
    'clouds:\n  one: s3cr3t-pw\n',
    `DIR/work/secure.yaml: cloud 'one' is a string; it must be a mapping`,
  ),
  secure(
    'auth that is a password',
    'clouds:\n  one:\n    auth: s3cr3t-pw\n',
    `DIR/work/secure.yaml: cloud 'one': auth is a string; it must be a mapping`,
  ),
  secure(
    'auth that is a list',
    'clouds:\n  one:\n    auth: [s3cr3t-pw]\n',
    `DIR/work/secure.yaml: cloud 'one': auth is a list; it must be a mapping`,
  ),
  secure(
    'a second cloud in secure.yaml, and none chosen',
    'clouds:\n  tow:\n    auth: {password: s3cr3t-pw}\n',
    `DIR/work/clouds.yaml has 2 clouds (one and tow); choose one with OS_CLOUD, or set 'clouds' in rollwatch.yaml`,
  ),
  {
    name: 'a cloud that is only in secure.yaml',
    env: { OS_CLOUD: 'one' },
    files: { 'work/secure.yaml': 'clouds:\n  one:\n    auth: {password: s3cr3t-pw}\n' },
    message: `secure.yaml: cloud 'one': auth.auth_url is missing; set it to Keystone's URL`,
  },
];
