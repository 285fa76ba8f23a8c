import { cloudsYaml, GOOD_CLOUDS, type Mistake } from './mistake.ts';

const TWO = `${GOOD_CLOUDS}  two: {auth: {auth_url: http://b, username: u, password: p, project_name: q}}\n`;

export const CHOICE_MISTAKES: readonly Mistake[] = [
  {
    name: 'no files and no variables',
    message:
      'no cloud to watch: there is no clouds.yaml in ., ~/.config/openstack or /etc/openstack, and no OS_* variables are set',
  },
  {
    name: 'OS_CLOUD without a clouds.yaml',
    env: { OS_CLOUD: 'one' },
    message:
      'OS_CLOUD: no such cloud: there is no clouds.yaml in ., ~/.config/openstack or /etc/openstack; create a clouds.yaml, or set OS_CLIENT_CONFIG_FILE to its path',
  },
  {
    name: 'only a clouds.yaml that cannot be read',
    folders: ['work/clouds.yaml'],
    message: 'no cloud to watch: DIR/work/clouds.yaml cannot be read: it is a directory',
  },
  {
    name: 'OS_CLOUD with a clouds.yaml that cannot be read',
    folders: ['home/.config/openstack/clouds.yaml'],
    env: { OS_CLOUD: 'one' },
    message:
      'OS_CLOUD: no such cloud: DIR/home/.config/openstack/clouds.yaml cannot be read: it is a directory; create a clouds.yaml, or set OS_CLIENT_CONFIG_FILE to its path',
  },
  {
    name: 'an OS_CLIENT_CONFIG_FILE that does not exist',
    env: { OS_CLIENT_CONFIG_FILE: 'clouds.yml' },
    files: { 'work/clouds.yaml': GOOD_CLOUDS },
    message: 'OS_CLIENT_CONFIG_FILE: DIR/work/clouds.yml does not exist; specify a readable file, or unset it',
  },
  {
    name: 'an OS_CLIENT_CONFIG_FILE that is a folder',
    env: { OS_CLIENT_CONFIG_FILE: '~' },
    message: 'OS_CLIENT_CONFIG_FILE: DIR/home cannot be read: it is a directory; specify a readable file, or unset it',
  },
  {
    name: 'an OS_CLIENT_SECURE_FILE that does not exist',
    env: { OS_CLIENT_SECURE_FILE: '/none/secure.yaml' },
    files: { 'work/clouds.yaml': GOOD_CLOUDS },
    message: 'OS_CLIENT_SECURE_FILE: /none/secure.yaml does not exist; specify a readable file, or unset it',
  },
  {
    name: 'two clouds, and none chosen',
    files: { 'work/clouds.yaml': TWO },
    message: `DIR/work/clouds.yaml has 2 clouds (one and two); choose one with OS_CLOUD, or set 'clouds' in rollwatch.yaml`,
  },
  {
    name: 'a misspelled OS_CLOUD',
    env: { OS_CLOUD: 'twoo' },
    files: { 'work/clouds.yaml': TWO },
    message: `OS_CLOUD: no cloud 'twoo' in DIR/work/clouds.yaml; did you mean 'two'?`,
  },
  {
    name: 'an unknown OS_CLOUD',
    env: { OS_CLOUD: 'production' },
    files: { 'work/clouds.yaml': TWO },
    message: 'OS_CLOUD: no such cloud in DIR/work/clouds.yaml; known clouds: one and two',
  },
  {
    name: 'an unknown --cloud',
    flags: { cloud: 'production' },
    files: { 'work/clouds.yaml': TWO },
    message: '--cloud: no such cloud in DIR/work/clouds.yaml; known clouds: one and two',
  },
  {
    name: 'an unknown OS_REGION_NAME',
    env: { OS_REGION_NAME: 'west', OS_CLOUD: 'one' },
    files: { 'work/clouds.yaml': `${GOOD_CLOUDS}    regions: [north, south]\n` },
    message: `DIR/work/clouds.yaml: cloud 'one': the requested region is not one of its 2 regions; list it under 'regions'`,
  },
  {
    name: 'a misspelled region',
    files: {
      'work/clouds.yaml': `${GOOD_CLOUDS}    regions: [RegionOne, RegionTwo]\n`,
      'work/rollwatch.yaml': 'clouds: [{name: one, region: RegionOn}]\n',
    },
    message: `DIR/work/clouds.yaml: cloud 'one': no region 'RegionOn'; did you mean 'RegionOne'?`,
  },
  {
    name: 'a cloud with the name of the cloud of the OS_* variables',
    env: { OS_USERNAME: 'ada' },
    files: { 'work/clouds.yaml': GOOD_CLOUDS.replace('one', 'envvars') },
    message: `DIR/work/clouds.yaml: cloud 'envvars' has the same name as the cloud of the OS_* variables; rename it, or set OS_CLOUD_NAME to another name`,
  },
  cloudsYaml(
    'an empty clouds.yaml',
    '',
    `DIR/work/clouds.yaml contains no clouds; add one under 'clouds', or set OS_CLIENT_CONFIG_FILE`,
  ),
  cloudsYaml(
    'a clouds.yaml without clouds',
    'cloud:\n  one: {}\n',
    `DIR/work/clouds.yaml contains no clouds; add one under 'clouds', or set OS_CLIENT_CONFIG_FILE`,
  ),
];
