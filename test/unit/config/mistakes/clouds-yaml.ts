import { cloudAuth, cloudsYaml, cloudWith, GOOD_CLOUDS, type Mistake } from './mistake.ts';

const URL = 'auth_url: http://ks';
const USER = 'username: ada\npassword: s3cr3t-pw';

export const CLOUDS_YAML_MISTAKES: readonly Mistake[] = [
  cloudsYaml(
    'not YAML',
    'clouds:\n  one:\n    auth: {password: "s3cr3t-pw\n',
    'DIR/work/clouds.yaml:4: invalid YAML: a closing quote, bracket or brace is missing here or above',
  ),
  cloudsYaml(
    'a tab as indentation',
    'clouds:\n\tone: {}\n',
    'DIR/work/clouds.yaml:2: invalid YAML: this line is indented with a tab; use spaces',
  ),
  cloudsYaml(
    'a password with a reserved character',
    'clouds:\n  one:\n    auth:\n      password: @s3cr3t-pw\n',
    'DIR/work/clouds.yaml:4: invalid YAML: this value starts with a character that is reserved in YAML; put it in quotes',
  ),
  cloudsYaml(
    'a password with a colon',
    'clouds:\n  one:\n    auth:\n      password: s3cr3t: pw\n',
    'DIR/work/clouds.yaml:4: invalid YAML: this line has a second colon; put the value in quotes',
  ),
  cloudsYaml(
    'an alias without an anchor',
    'clouds:\n  one:\n    auth: *s3cr3t\n',
    'DIR/work/clouds.yaml:3: invalid YAML: this alias (*...) has no anchor (&...)',
  ),
  cloudsYaml(
    'a Python object',
    'clouds: !!python/object:os.system {}\n',
    'DIR/work/clouds.yaml:1: invalid YAML: unknown tag (!...)',
  ),
  {
    name: 'a clouds.json that is not JSON',
    files: { 'work/clouds.json': '{"clouds": {"one": {"auth": {"password": s3cr3t-pw}}}}' },
    message: 'DIR/work/clouds.json: invalid JSON',
  },
  cloudsYaml(
    'a list',
    '- one\n',
    `DIR/work/clouds.yaml: the file is a list; it must be a mapping with the key 'clouds'`,
  ),
  cloudsYaml(
    'a string',
    'one\n',
    `DIR/work/clouds.yaml: the file is a string; it must be a mapping with the key 'clouds'`,
  ),
  cloudsYaml(
    'a list of clouds',
    'clouds:\n  - name: one\n',
    `DIR/work/clouds.yaml: 'clouds' is a list; it must be a mapping of names to clouds`,
  ),
  cloudsYaml(
    'a cloud that is a string',
    'clouds:\n  one: http://ks\n',
    `DIR/work/clouds.yaml: cloud 'one' is a string; it must be a mapping`,
  ),
  cloudsYaml(
    'a cloud that is empty',
    'clouds:\n  one:\n',
    `DIR/work/clouds.yaml: cloud 'one' is empty; it must be a mapping`,
  ),
  cloudsYaml(
    'auth that is a string',
    'clouds:\n  one:\n    auth: s3cr3t-pw\n',
    `DIR/work/clouds.yaml: cloud 'one': auth is a string; it must be a mapping`,
  ),
  cloudAuth(
    'no auth_url',
    `${USER}\nproject_name: engines`,
    `DIR/work/clouds.yaml: cloud 'one': auth.auth_url is missing; set it to Keystone's URL`,
  ),
  cloudAuth(
    'a misspelled auth_url',
    `auth_uri: http://ks\n${USER}\nproject_name: engines`,
    `DIR/work/clouds.yaml: cloud 'one': auth.auth_url is missing; is auth.auth_uri a misspelling of it?`,
  ),
  cloudAuth(
    'an auth_url without a scheme',
    `auth_url: ks.example:5000/v3\n${USER}\nproject_name: engines`,
    `DIR/work/clouds.yaml: cloud 'one': auth.auth_url must be a URL, such as https://HOST:PORT/PATH`,
  ),
  cloudAuth(
    'an ftp auth_url',
    `auth_url: ftp://ks.example/v3\n${USER}\nproject_name: engines`,
    `DIR/work/clouds.yaml: cloud 'one': auth.auth_url must start with http:// or https://`,
  ),
  cloudAuth(
    'a port above 65535',
    `auth_url: http://ks.example:99999/v3\n${USER}\nproject_name: engines`,
    `DIR/work/clouds.yaml: cloud 'one': auth.auth_url must be a URL, such as https://HOST:PORT/PATH`,
  ),
  cloudAuth(
    'a password in the auth_url',
    `auth_url: http://ada:s3cr3t-pw@ks\n${USER}\nproject_name: engines`,
    `DIR/work/clouds.yaml: cloud 'one': auth.auth_url contains a user name or password; move them to auth.username and auth.password`,
  ),
  cloudAuth(
    'Keystone v2',
    `auth_url: http://ks:5000/v2.0\n${USER}\nproject_name: engines`,
    `DIR/work/clouds.yaml: cloud 'one': auth.auth_url is for Keystone v2, which no longer exists; use the v3 URL`,
  ),
  cloudAuth(
    'an auth_url with an unset key',
    `auth_url: "http://{region_name}.ks"\n${USER}\nproject_name: engines`,
    `DIR/work/clouds.yaml: cloud 'one': auth_url contains {region_name}, but region_name is not set`,
  ),
  cloudAuth(
    'an auth_url that is a list',
    `auth_url: [http://ks]\n${USER}\nproject_name: engines`,
    `DIR/work/clouds.yaml: cloud 'one': auth.auth_url is a list; it must be a string`,
  ),
  cloudAuth(
    'no user',
    `${URL}\npassword: s3cr3t-pw\nproject_name: engines`,
    `DIR/work/clouds.yaml: cloud 'one': auth.username is missing; set it or auth.user_id`,
  ),
  cloudAuth(
    'no password',
    `${URL}\nusername: ada\nproject_name: engines`,
    `DIR/work/clouds.yaml: cloud 'one': auth.password is missing; set it in clouds.yaml or secure.yaml`,
  ),
  cloudAuth(
    'a misspelled password key',
    `${URL}\nusername: ada\npasword: s3cr3t-pw\nproject_name: engines`,
    `DIR/work/clouds.yaml: cloud 'one': auth.password is missing; is auth.pasword a misspelling of it?`,
  ),
  cloudAuth(
    'an empty password',
    `${URL}\nusername: ada\npassword: ''\nproject_name: engines`,
    `DIR/work/clouds.yaml: cloud 'one': auth.password is missing; set it in clouds.yaml or secure.yaml`,
  ),
  cloudAuth(
    'a password that is a boolean in YAML',
    `${URL}\nusername: ada\npassword: yes\nproject_name: engines`,
    `DIR/work/clouds.yaml: cloud 'one': auth.password is the boolean true in YAML; put it in quotes`,
  ),
  cloudAuth(
    'a password that is a mapping',
    `${URL}\nusername: ada\npassword: {file: s3cr3t-pw}\nproject_name: engines`,
    `DIR/work/clouds.yaml: cloud 'one': auth.password is a mapping; it must be a string`,
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
    `DIR/work/clouds.yaml: cloud 'one': auth.system_scope is not supported; servers belong to a project, so set a project instead`,
  ),
  cloudAuth(
    'a trust',
    `${URL}\n${USER}\ntrust_id: 4f2`,
    `DIR/work/clouds.yaml: cloud 'one': auth.trust_id is not supported; servers belong to a project, so set a project instead`,
  ),
  cloudsYaml(
    'an application credential with the type password',
    `clouds: {one: {auth_type: password, auth: {auth_url: http://ks, application_credential_id: 4f2, username: ada}}}`,
    `DIR/work/clouds.yaml: cloud 'one': auth.password is missing; for an application credential, set auth_type: v3applicationcredential`,
  ),
  cloudWith(
    'an unknown auth_type',
    'auth_type: v3apikey',
    `DIR/work/clouds.yaml: cloud 'one': auth_type is unknown; use password, v3applicationcredential or token`,
  ),
  cloudWith(
    'a misspelled auth_type',
    'auth_type: v3aplicationcredential',
    `DIR/work/clouds.yaml: cloud 'one': auth_type 'v3aplicationcredential' is unknown; did you mean 'v3applicationcredential'?`,
  ),
  cloudWith(
    'an unsupported auth_type',
    'auth_type: v3oidcpassword',
    `DIR/work/clouds.yaml: cloud 'one': auth_type 'v3oidcpassword' is not supported; use password, v3applicationcredential or token`,
  ),
  cloudWith(
    'no authentication',
    'auth_type: none',
    `DIR/work/clouds.yaml: cloud 'one': auth_type 'none' is not supported; use password, v3applicationcredential or token`,
  ),
  cloudWith(
    'an application credential without its secret',
    'auth_type: v3applicationcredential',
    `DIR/work/clouds.yaml: cloud 'one': auth.application_credential_secret is missing; set it in clouds.yaml or secure.yaml`,
  ),
  cloudWith(
    'an application credential with a project',
    'auth_type: v3applicationcredential\napplication_credential_id: 4f2\napplication_credential_secret: s3cr3t-pw',
    `DIR/work/clouds.yaml: cloud 'one': an application credential is bound to its own project; remove the project`,
  ),
  cloudAuth(
    'an application credential without id and name',
    `${URL}\napplication_credential_secret: s3cr3t-pw`,
    `DIR/work/clouds.yaml: cloud 'one': auth.application_credential_id is missing; set it, or auth.application_credential_name and the user who owns it`,
  ),
  cloudAuth(
    'an application credential by name without its user',
    `${URL}\napplication_credential_name: prober\napplication_credential_secret: s3cr3t-pw`,
    `DIR/work/clouds.yaml: cloud 'one': auth.username is missing; an application credential given by name also needs its user`,
  ),
  cloudAuth(
    'an application credential by name without the domain of its user',
    `${URL}\nusername: ada\napplication_credential_name: prober\napplication_credential_secret: s3cr3t-pw`,
    `DIR/work/clouds.yaml: cloud 'one': auth.user_domain_name is missing; a user given by name also needs a domain`,
  ),
  cloudWith(
    'a missing token',
    'auth_type: token',
    `DIR/work/clouds.yaml: cloud 'one': auth.token is missing; set it in clouds.yaml or secure.yaml`,
  ),
  cloudWith(
    'an unknown interface',
    'interface: external',
    `DIR/work/clouds.yaml: cloud 'one': interface is 'external'; it must be public, internal or admin`,
  ),
  cloudWith(
    'an unknown interface of a service',
    'compute_interface: internel',
    `DIR/work/clouds.yaml: cloud 'one': compute_interface is 'internel'; it must be public, internal or admin`,
  ),
  cloudWith(
    'an interface that is a list',
    'interface: [public]',
    `DIR/work/clouds.yaml: cloud 'one': interface is a list; it must be a string`,
  ),
  cloudWith(
    'regions that are a string',
    'regions: north',
    `DIR/work/clouds.yaml: cloud 'one': regions must be a list of region names`,
  ),
  cloudWith(
    'a region without a name',
    'regions:\n  - values: {}',
    `DIR/work/clouds.yaml: cloud 'one': each entry of regions must be a name, or a mapping with only 'name' and 'values'`,
  ),
  cloudWith(
    'a region with unknown keys',
    'regions:\n  - name: north\n    interface: internal',
    `DIR/work/clouds.yaml: cloud 'one': each entry of regions must be a name, or a mapping with only 'name' and 'values'`,
  ),
  cloudWith(
    'a region_name that is a boolean in YAML',
    'region_name: no',
    `DIR/work/clouds.yaml: cloud 'one': region_name is not a string; put it in quotes`,
  ),
  cloudsYaml(
    'an unknown profile',
    'clouds:\n  one:\n    profile: acme\n',
    `DIR/work/clouds.yaml: cloud 'one': profile is unknown; define it in clouds-public.yaml`,
  ),
  cloudsYaml(
    'a misspelled profile',
    'clouds:\n  one:\n    profile: citycluod\n',
    `DIR/work/clouds.yaml: cloud 'one': profile 'citycluod' is unknown; did you mean 'citycloud'?`,
  ),
  cloudsYaml(
    'a profile that is a web page',
    'clouds:\n  one:\n    profile: https://vexxhost.com\n',
    `DIR/work/clouds.yaml: cloud 'one': profile is published as a web page, which is not downloaded; set auth.auth_url instead`,
  ),
  cloudsYaml(
    'a profile that is a list',
    'clouds:\n  one:\n    profile: [ovh]\n',
    `DIR/work/clouds.yaml: cloud 'one': profile must be a string`,
  ),
  {
    name: 'a list of public clouds',
    files: { 'work/clouds.yaml': GOOD_CLOUDS, 'work/clouds-public.yaml': 'public-clouds: [acme]\n' },
    message: `DIR/work/clouds-public.yaml: 'public-clouds' is a list; it must be a mapping of names to clouds`,
  },
  cloudWith(
    'an override that is not a URL',
    'compute_endpoint_override: nova:8774',
    `DIR/work/clouds.yaml: cloud 'one': compute_endpoint_override must be a URL, such as https://HOST:PORT/PATH`,
  ),
  cloudWith(
    'an ftp override',
    'image_endpoint_override: ftp://glance',
    `DIR/work/clouds.yaml: cloud 'one': image_endpoint_override must start with http:// or https://`,
  ),
  cloudWith(
    'an override with an unset key',
    'compute_endpoint_override: "http://{region_name}.nova"',
    `DIR/work/clouds.yaml: cloud 'one': compute_endpoint_override contains {region_name}, but region_name is not set`,
  ),
  cloudWith(
    'an insecure that is not a boolean',
    'insecure: maybe',
    `DIR/work/clouds.yaml: cloud 'one': insecure must be true or false`,
  ),
  cloudWith(
    'the latest microversion',
    'compute_default_microversion: latest',
    `DIR/work/clouds.yaml: cloud 'one': compute_default_microversion is 'latest'; it must be a fixed microversion, such as 2.38, because 'latest' changes with an upgrade`,
  ),
  cloudWith(
    'an invalid microversion',
    'compute_default_microversion: 2',
    `DIR/work/clouds.yaml: cloud 'one': compute_default_microversion is '2'; it must be a Nova microversion, such as 2.38`,
  ),
  cloudWith(
    'two different microversions',
    "compute_default_microversion: '2.60'\ncompute_api_version: '2.53'",
    `DIR/work/clouds.yaml: cloud 'one': compute_default_microversion is '2.60' and compute_api_version is '2.53'; remove one of them`,
  ),
  cloudWith(
    'an api_timeout that is not a number',
    'api_timeout: soon',
    `DIR/work/clouds.yaml: cloud 'one': api_timeout must be a number of seconds greater than 0`,
  ),
  cloudWith(
    'an api_timeout of 0',
    'api_timeout: 0',
    `DIR/work/clouds.yaml: cloud 'one': api_timeout is '0'; it must be a number of seconds greater than 0`,
  ),
];
