import { cloudAuth, cloudsYaml, cloudWith, GOOD_CLOUDS, type Mistake } from './mistake.ts';

const URL = 'auth_url: http://ks';
const USER = 'username: ada\npassword: s3cr3t-pw';

export const CLOUDS_YAML_MISTAKES: readonly Mistake[] = [
  cloudsYaml(
    'not YAML',
    'clouds:\n  one:\n    auth: {password: "s3cr3t-pw\n',
    'DIR/work/clouds.yaml:4: not YAML: a closing quote, bracket or brace is missing, here or above',
  ),
  cloudsYaml(
    'a tab as indentation',
    'clouds:\n\tone: {}\n',
    'DIR/work/clouds.yaml:2: not YAML: a tab indents this line; YAML wants spaces',
  ),
  cloudsYaml(
    'a password that YAML cannot read',
    'clouds:\n  one:\n    auth:\n      password: @s3cr3t-pw\n',
    'DIR/work/clouds.yaml:4: not YAML: this value must stand in quotes: it begins with a character that YAML keeps for itself',
  ),
  cloudsYaml(
    'a password with a colon',
    'clouds:\n  one:\n    auth:\n      password: s3cr3t: pw\n',
    'DIR/work/clouds.yaml:4: not YAML: a second colon stands on this line; put the value in quotes',
  ),
  cloudsYaml(
    'an alias without an anchor',
    'clouds:\n  one:\n    auth: *s3cr3t\n',
    'DIR/work/clouds.yaml:3: not YAML: an alias (*...) has no anchor (&...)',
  ),
  cloudsYaml(
    'a Python object',
    'clouds: !!python/object:os.system {}\n',
    'DIR/work/clouds.yaml:1: not YAML: a tag (!...) is not known here',
  ),
  {
    name: 'a clouds.json that is not JSON',
    files: { 'work/clouds.json': '{"clouds": {"one": {"auth": {"password": s3cr3t-pw}}}}' },
    message: 'DIR/work/clouds.json: not JSON, as its name says it is',
  },
  cloudsYaml('a list', '- one\n', `DIR/work/clouds.yaml: it holds a list; a mapping with the key 'clouds' is wanted`),
  cloudsYaml('a text', 'one\n', `DIR/work/clouds.yaml: it holds a text; a mapping with the key 'clouds' is wanted`),
  cloudsYaml(
    'a list of clouds',
    'clouds:\n  - name: one\n',
    `DIR/work/clouds.yaml: 'clouds' holds a list; a mapping of names to clouds is wanted`,
  ),
  cloudsYaml(
    'a cloud that is a text',
    'clouds:\n  one: http://ks\n',
    `DIR/work/clouds.yaml: cloud 'one' holds a text; a mapping is wanted`,
  ),
  cloudsYaml(
    'a cloud that is empty',
    'clouds:\n  one:\n',
    `DIR/work/clouds.yaml: cloud 'one' holds nothing; a mapping is wanted`,
  ),
  cloudsYaml(
    'auth that is a text',
    'clouds:\n  one:\n    auth: s3cr3t-pw\n',
    `DIR/work/clouds.yaml: cloud 'one': auth holds a text; a mapping is wanted`,
  ),
  cloudAuth(
    'no auth_url',
    `${USER}\nproject_name: engines`,
    `DIR/work/clouds.yaml: cloud 'one': auth.auth_url is missing; set it to where Keystone is`,
  ),
  cloudAuth(
    'auth_url with a slip in its name',
    `auth_uri: http://ks\n${USER}\nproject_name: engines`,
    `DIR/work/clouds.yaml: cloud 'one': auth.auth_url is missing; did you mean it by auth.auth_uri?`,
  ),
  cloudAuth(
    'an auth_url without a scheme',
    `auth_url: ks.example:5000/v3\n${USER}\nproject_name: engines`,
    "DIR/work/clouds.yaml: cloud 'one': auth.auth_url is no URL; http://HOST:PORT/PATH or https:// is wanted",
  ),
  cloudAuth(
    'an ftp auth_url',
    `auth_url: ftp://ks.example/v3\n${USER}\nproject_name: engines`,
    "DIR/work/clouds.yaml: cloud 'one': auth.auth_url does not begin with http:// or https://",
  ),
  cloudAuth(
    'a port beyond the last',
    `auth_url: http://ks.example:99999/v3\n${USER}\nproject_name: engines`,
    "DIR/work/clouds.yaml: cloud 'one': auth.auth_url is no URL; http://HOST:PORT/PATH or https:// is wanted",
  ),
  cloudAuth(
    'a password in the auth_url',
    `auth_url: http://ada:s3cr3t-pw@ks\n${USER}\nproject_name: engines`,
    "DIR/work/clouds.yaml: cloud 'one': auth.auth_url holds a user; put it into auth.username and its password likewise",
  ),
  cloudAuth(
    'Keystone v2',
    `auth_url: http://ks:5000/v2.0\n${USER}\nproject_name: engines`,
    "DIR/work/clouds.yaml: cloud 'one': auth.auth_url is Keystone v2, which is no more; name its v3",
  ),
  cloudAuth(
    'an auth_url with a key that is not set',
    `auth_url: "http://{region_name}.ks"\n${USER}\nproject_name: engines`,
    `DIR/work/clouds.yaml: cloud 'one': auth_url holds {region_name}, and region_name is not set`,
  ),
  cloudAuth(
    'an auth_url that is a list',
    `auth_url: [http://ks]\n${USER}\nproject_name: engines`,
    `DIR/work/clouds.yaml: cloud 'one': auth.auth_url is a list; a text is wanted`,
  ),
  cloudAuth(
    'no user',
    `${URL}\npassword: s3cr3t-pw\nproject_name: engines`,
    `DIR/work/clouds.yaml: cloud 'one': auth.username is missing; set it or auth.user_id`,
  ),
  cloudAuth(
    'no password',
    `${URL}\nusername: ada\nproject_name: engines`,
    `DIR/work/clouds.yaml: cloud 'one': auth.password is missing; set it there or in secure.yaml`,
  ),
  cloudAuth(
    'password with a slip in its name',
    `${URL}\nusername: ada\npasword: s3cr3t-pw\nproject_name: engines`,
    `DIR/work/clouds.yaml: cloud 'one': auth.password is missing; did you mean it by auth.pasword?`,
  ),
  cloudAuth(
    'a password that is empty',
    `${URL}\nusername: ada\npassword: ''\nproject_name: engines`,
    `DIR/work/clouds.yaml: cloud 'one': auth.password is missing; set it there or in secure.yaml`,
  ),
  cloudAuth(
    'a password that YAML takes for yes',
    `${URL}\nusername: ada\npassword: yes\nproject_name: engines`,
    `DIR/work/clouds.yaml: cloud 'one': auth.password is read as true; put it in quotes to have it as text`,
  ),
  cloudAuth(
    'a password that is a mapping',
    `${URL}\nusername: ada\npassword: {file: s3cr3t-pw}\nproject_name: engines`,
    `DIR/work/clouds.yaml: cloud 'one': auth.password is a mapping; a text is wanted`,
  ),
  cloudAuth(
    'no project',
    `${URL}\n${USER}`,
    `DIR/work/clouds.yaml: cloud 'one': auth.project_name is missing; set it or auth.project_id`,
  ),
  cloudAuth(
    'a domain instead of a project',
    `${URL}\n${USER}\ndomain_name: Default`,
    `DIR/work/clouds.yaml: cloud 'one': auth.project_name is missing; set it or auth.project_id`,
  ),
  cloudAuth(
    'a system scope',
    `${URL}\n${USER}\nsystem_scope: all`,
    `DIR/work/clouds.yaml: cloud 'one': auth.system_scope is not supported; servers are booted in a project, so name that instead`,
  ),
  cloudAuth(
    'a trust',
    `${URL}\n${USER}\ntrust_id: 4f2`,
    `DIR/work/clouds.yaml: cloud 'one': auth.trust_id is not supported; servers are booted in a project, so name that instead`,
  ),
  cloudsYaml(
    'an application credential, but the type of a password',
    `clouds: {one: {auth_type: password, auth: {auth_url: http://ks, application_credential_id: 4f2, username: ada}}}`,
    `DIR/work/clouds.yaml: cloud 'one': auth.password is missing; for an application credential set auth_type: v3applicationcredential`,
  ),
  cloudWith(
    'an unknown auth_type',
    'auth_type: v3apikey',
    "DIR/work/clouds.yaml: cloud 'one': auth_type is not known; password, v3applicationcredential and token are",
  ),
  cloudWith(
    'an auth_type with a slip',
    'auth_type: v3aplicationcredential',
    `DIR/work/clouds.yaml: cloud 'one': auth_type 'v3aplicationcredential' is not known; did you mean 'v3applicationcredential'?`,
  ),
  cloudWith(
    'an auth_type of another world',
    'auth_type: v3oidcpassword',
    `DIR/work/clouds.yaml: cloud 'one': auth_type 'v3oidcpassword' is not supported; password, v3applicationcredential and token are`,
  ),
  cloudWith(
    'no authentication at all',
    'auth_type: none',
    `DIR/work/clouds.yaml: cloud 'one': auth_type 'none' is not supported; password, v3applicationcredential and token are`,
  ),
  cloudWith(
    'an application credential without its secret',
    'auth_type: v3applicationcredential',
    `DIR/work/clouds.yaml: cloud 'one': auth.application_credential_secret is missing; set it there or in secure.yaml`,
  ),
  cloudWith(
    'an application credential beside a project',
    'auth_type: v3applicationcredential\napplication_credential_id: 4f2\napplication_credential_secret: s3cr3t-pw',
    `DIR/work/clouds.yaml: cloud 'one': an application credential carries its project, and Keystone takes no other; remove the project`,
  ),
  cloudAuth(
    'an application credential with neither id nor name',
    `${URL}\napplication_credential_secret: s3cr3t-pw`,
    `DIR/work/clouds.yaml: cloud 'one': auth.application_credential_id is missing; set it, or auth.application_credential_name with the user it belongs to`,
  ),
  cloudAuth(
    'an application credential by name without its user',
    `${URL}\napplication_credential_name: prober\napplication_credential_secret: s3cr3t-pw`,
    "DIR/work/clouds.yaml: cloud 'one': auth.username is missing; by its name, an application credential is known only with its user",
  ),
  cloudAuth(
    "an application credential by name without its user's domain",
    `${URL}\nusername: ada\napplication_credential_name: prober\napplication_credential_secret: s3cr3t-pw`,
    "DIR/work/clouds.yaml: cloud 'one': auth.user_domain_name is missing; a user is known by name only within a domain",
  ),
  cloudWith(
    'a token that is missing',
    'auth_type: token',
    `DIR/work/clouds.yaml: cloud 'one': auth.token is missing; set it there or in secure.yaml`,
  ),
  cloudWith(
    'an unknown interface',
    'interface: external',
    `DIR/work/clouds.yaml: cloud 'one': interface is 'external'; public, internal or admin is wanted`,
  ),
  cloudWith(
    'an unknown interface of a service',
    'compute_interface: internel',
    `DIR/work/clouds.yaml: cloud 'one': compute_interface is 'internel'; public, internal or admin is wanted`,
  ),
  cloudWith(
    'an interface that is a list',
    'interface: [public]',
    `DIR/work/clouds.yaml: cloud 'one': interface is a list; a text is wanted`,
  ),
  cloudWith(
    'regions that are a text',
    'regions: north',
    `DIR/work/clouds.yaml: cloud 'one': regions is not a list; name each region on a line of its own`,
  ),
  cloudWith(
    'a region without a name',
    'regions:\n  - values: {}',
    `DIR/work/clouds.yaml: cloud 'one': an entry of regions is neither a name nor a mapping of 'name' and 'values' alone`,
  ),
  cloudWith(
    'a region with keys of its own',
    'regions:\n  - name: north\n    interface: internal',
    `DIR/work/clouds.yaml: cloud 'one': an entry of regions is neither a name nor a mapping of 'name' and 'values' alone`,
  ),
  cloudWith(
    'a region_name that YAML takes for no',
    'region_name: no',
    `DIR/work/clouds.yaml: cloud 'one': region_name is not a text; put it in quotes`,
  ),
  cloudsYaml(
    'an unknown profile',
    'clouds:\n  one:\n    profile: acme\n',
    "DIR/work/clouds.yaml: cloud 'one': profile is not known; describe it in clouds-public.yaml",
  ),
  cloudsYaml(
    'a profile with a slip',
    'clouds:\n  one:\n    profile: citycluod\n',
    `DIR/work/clouds.yaml: cloud 'one': profile 'citycluod' is not known; did you mean 'citycloud'?`,
  ),
  cloudsYaml(
    'a profile that is a web page',
    'clouds:\n  one:\n    profile: https://vexxhost.com\n',
    "DIR/work/clouds.yaml: cloud 'one': profile is a web page, which is not fetched; write its auth_url into auth",
  ),
  cloudsYaml(
    'a profile that is a list',
    'clouds:\n  one:\n    profile: [ovh]\n',
    `DIR/work/clouds.yaml: cloud 'one': profile is not a text; name a profile`,
  ),
  {
    name: 'a clouds-public.yaml of wrong shape',
    files: { 'work/clouds.yaml': GOOD_CLOUDS, 'work/clouds-public.yaml': 'public-clouds: [acme]\n' },
    message: `DIR/work/clouds-public.yaml: 'public-clouds' holds a list; a mapping of names to clouds is wanted`,
  },
  cloudWith(
    'an override that is no URL',
    'compute_endpoint_override: nova:8774',
    "DIR/work/clouds.yaml: cloud 'one': compute_endpoint_override is no URL; http://HOST:PORT/PATH or https:// is wanted",
  ),
  cloudWith(
    'an ftp override',
    'image_endpoint_override: ftp://glance',
    "DIR/work/clouds.yaml: cloud 'one': image_endpoint_override does not begin with http:// or https://",
  ),
  cloudWith(
    'an override with a key that is not set',
    'compute_endpoint_override: "http://{region_name}.nova"',
    `DIR/work/clouds.yaml: cloud 'one': compute_endpoint_override holds {region_name}, and region_name is not set`,
  ),
  cloudWith(
    'insecure that is neither true nor false',
    'insecure: maybe',
    "DIR/work/clouds.yaml: cloud 'one': insecure is another text; true or false is wanted",
  ),
  cloudWith(
    'the latest microversion',
    'compute_default_microversion: latest',
    `DIR/work/clouds.yaml: cloud 'one': compute_default_microversion is 'latest', which an upgrade moves; pin one, such as 2.38`,
  ),
  cloudWith(
    'a microversion that is none',
    'compute_default_microversion: 2',
    `DIR/work/clouds.yaml: cloud 'one': compute_default_microversion is '2'; a microversion of Nova is wanted, such as 2.38`,
  ),
  cloudWith(
    'two microversions that differ',
    "compute_default_microversion: '2.60'\ncompute_api_version: '2.53'",
    `DIR/work/clouds.yaml: cloud 'one': compute_default_microversion is '2.60' and compute_api_version is '2.53'; keep one of the two`,
  ),
  cloudWith(
    'an api_timeout that is no number',
    'api_timeout: soon',
    "DIR/work/clouds.yaml: cloud 'one': api_timeout is another text; a number of seconds above 0 is wanted",
  ),
  cloudWith(
    'an api_timeout of nothing',
    'api_timeout: 0',
    `DIR/work/clouds.yaml: cloud 'one': api_timeout is '0'; a number of seconds above 0 is wanted`,
  ),
];
