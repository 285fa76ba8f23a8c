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
    'DIR/work/secure.yaml:2: not YAML: a closing quote, bracket or brace is missing, here or above',
  ),
  secure('a list', '- s3cr3t-pw\n', `DIR/work/secure.yaml: it holds a list; a mapping with the key 'clouds' is wanted`),
  secure(
    'a password alone',
    's3cr3t-pw\n',
    `DIR/work/secure.yaml: it holds a text; a mapping with the key 'clouds' is wanted`,
  ),
  secure(
    'clouds that are a text',
    'clouds: s3cr3t-pw\n',
    `DIR/work/secure.yaml: 'clouds' holds a text; a mapping of names to clouds is wanted`,
  ),
  secure(
    'a cloud that is a password',
    'clouds:\n  one: s3cr3t-pw\n',
    `DIR/work/secure.yaml: cloud 'one' holds a text; a mapping is wanted`,
  ),
  secure(
    'auth that is a password',
    'clouds:\n  one:\n    auth: s3cr3t-pw\n',
    `DIR/work/secure.yaml: cloud 'one': auth holds a text; a mapping is wanted`,
  ),
  secure(
    'auth that is a list',
    'clouds:\n  one:\n    auth: [s3cr3t-pw]\n',
    `DIR/work/secure.yaml: cloud 'one': auth holds a list; a mapping is wanted`,
  ),
  secure(
    'a second cloud, and none chosen',
    'clouds:\n  tow:\n    auth: {password: s3cr3t-pw}\n',
    `DIR/work/clouds.yaml has 2 clouds (one and tow) and none is chosen; set OS_CLOUD, or 'clouds' in rollwatch.yaml`,
  ),
  {
    name: 'a cloud that only secure.yaml knows',
    env: { OS_CLOUD: 'one' },
    files: { 'work/secure.yaml': 'clouds:\n  one:\n    auth: {password: s3cr3t-pw}\n' },
    message: `secure.yaml: cloud 'one': auth.auth_url is missing; set it to where Keystone is`,
  },
];
