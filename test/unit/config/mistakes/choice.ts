import { cloudsYaml, GOOD_CLOUDS, type Mistake } from './mistake.ts';

const TWO = `${GOOD_CLOUDS}  two: {auth: {auth_url: http://b, username: u, password: p, project_name: q}}\n`;

export const CHOICE_MISTAKES: readonly Mistake[] = [
  {
    name: 'nothing at all',
    message:
      'no cloud to watch: there is no clouds.yaml in ., ~/.config/openstack or /etc/openstack, and no OS_* variables are set',
  },
  {
    name: 'OS_CLOUD and no clouds.yaml',
    env: { OS_CLOUD: 'one' },
    message: `OS_CLOUD: there is no such cloud: there is no clouds.yaml in ., ~/.config/openstack or /etc/openstack; write one, or name it by OS_CLIENT_CONFIG_FILE`,
  },
  {
    name: 'a clouds.yaml that cannot be read, and no other',
    folders: ['work/clouds.yaml'],
    message: 'no cloud to watch: DIR/work/clouds.yaml cannot be read: it is a directory',
  },
  {
    name: 'OS_CLOUD and a clouds.yaml that cannot be read',
    folders: ['home/.config/openstack/clouds.yaml'],
    env: { OS_CLOUD: 'one' },
    message: `OS_CLOUD: there is no such cloud: DIR/home/.config/openstack/clouds.yaml cannot be read: it is a directory; write one, or name it by OS_CLIENT_CONFIG_FILE`,
  },
  {
    name: 'OS_CLIENT_CONFIG_FILE names a file that is not there',
    env: { OS_CLIENT_CONFIG_FILE: 'clouds.yml' },
    files: { 'work/clouds.yaml': GOOD_CLOUDS },
    message: 'OS_CLIENT_CONFIG_FILE: DIR/work/clouds.yml does not exist; name a file that can be read, or unset it',
  },
  {
    name: 'OS_CLIENT_CONFIG_FILE names a folder',
    env: { OS_CLIENT_CONFIG_FILE: '~' },
    message:
      'OS_CLIENT_CONFIG_FILE: DIR/home cannot be read: it is a directory; name a file that can be read, or unset it',
  },
  {
    name: 'OS_CLIENT_SECURE_FILE names a file that is not there',
    env: { OS_CLIENT_SECURE_FILE: '/none/secure.yaml' },
    files: { 'work/clouds.yaml': GOOD_CLOUDS },
    message: 'OS_CLIENT_SECURE_FILE: /none/secure.yaml does not exist; name a file that can be read, or unset it',
  },
  {
    name: 'two clouds and no choice',
    files: { 'work/clouds.yaml': TWO },
    message: `DIR/work/clouds.yaml has 2 clouds (one and two) and none is chosen; set OS_CLOUD, or 'clouds' in rollwatch.yaml`,
  },
  {
    name: 'OS_CLOUD with a slip',
    env: { OS_CLOUD: 'twoo' },
    files: { 'work/clouds.yaml': TWO },
    message: `OS_CLOUD: cloud 'twoo' is not in DIR/work/clouds.yaml; did you mean 'two'?`,
  },
  {
    name: 'OS_CLOUD names a cloud that is not there',
    env: { OS_CLOUD: 'production' },
    files: { 'work/clouds.yaml': TWO },
    message: `OS_CLOUD: there is no such cloud in DIR/work/clouds.yaml; it holds one and two`,
  },
  {
    name: '--cloud names a cloud that is not there',
    flags: { cloud: 'production' },
    files: { 'work/clouds.yaml': TWO },
    message: `--cloud: there is no such cloud in DIR/work/clouds.yaml; it holds one and two`,
  },
  {
    name: 'OS_REGION_NAME names a region that is not there',
    env: { OS_REGION_NAME: 'west', OS_CLOUD: 'one' },
    files: { 'work/clouds.yaml': `${GOOD_CLOUDS}    regions: [north, south]\n` },
    message:
      "DIR/work/clouds.yaml: cloud 'one': it does not list the region that is asked for; it lists 2 of other names",
  },
  {
    name: 'a region with a slip',
    files: {
      'work/clouds.yaml': `${GOOD_CLOUDS}    regions: [RegionOne, RegionTwo]\n`,
      'work/rollwatch.yaml': 'clouds: [{name: one, region: RegionOn}]\n',
    },
    message: `DIR/work/clouds.yaml: cloud 'one': it has no region 'RegionOn'; did you mean 'RegionOne'?`,
  },
  {
    name: 'a cloud of a file with the name of that of the variables',
    env: { OS_USERNAME: 'ada' },
    files: { 'work/clouds.yaml': GOOD_CLOUDS.replace('one', 'envvars') },
    message: `DIR/work/clouds.yaml: cloud 'envvars' has the name that the cloud of the OS_* variables has; rename it, or set OS_CLOUD_NAME to another name`,
  },
  cloudsYaml(
    'an empty clouds.yaml',
    '',
    `DIR/work/clouds.yaml describes no cloud; add one under 'clouds', or set OS_CLIENT_CONFIG_FILE`,
  ),
  cloudsYaml(
    'a clouds.yaml without clouds',
    'cloud:\n  one: {}\n',
    `DIR/work/clouds.yaml describes no cloud; add one under 'clouds', or set OS_CLIENT_CONFIG_FILE`,
  ),
];
