"""Resolves layouts of files and variables with openstacksdk: reads a JSON list, writes a JSON list of results.

The request for a token is caught as keystoneauth sends it, so that what is compared is what Keystone would see.
"""
import importlib
import json
import os
import sys
import warnings

import keystoneauth1.identity.v3  # noqa: F401 (registers the v3 plugins)
import openstack.config.loader
import osc_lib.cli.client_config

warnings.simplefilter('ignore')


class Caught(Exception):
    pass


class Session:
    """The part of a keystoneauth session that a plug-in needs to send its request."""

    def __init__(self):
        self.sent = None

    def post(self, url, json=None, **_):
        self.sent = {'url': url, 'body': json}
        raise Caught


def token_request(plugin, auth_url):
    if hasattr(plugin, 'create_plugin'):
        plugin = plugin.create_plugin(None, (3, 0), auth_url)
    session = Session()
    try:
        plugin.get_auth_ref(session)
    except Caught:
        pass
    return session.sent['body']


def content(path):
    if not isinstance(path, str):
        return path
    with open(path) as file:
        return file.read()


def resolve(layout):
    os.environ.clear()
    os.environ.update(layout['env'])
    os.environ['HOME'] = layout['home']
    os.chdir(layout['cwd'])
    loader = importlib.reload(openstack.config.loader)
    if layout['client']:  # as the openstack command asks
        importlib.reload(osc_lib.cli.client_config)
        config = osc_lib.cli.client_config.OSC_Config(override_defaults={
            'interface': None, 'auth_type': None, 'default_domain': 'default', 'identity_api_version': '3'})
    else:
        config = loader.OpenStackConfig()
    if not config.default_cloud:
        raise ValueError('no cloud is chosen')
    cloud = config.get_one(region_name=layout['region'] or '')
    plugin = cloud.get_auth()
    verify, cert = cloud.get_requests_verify_args()
    cert, key = cert if isinstance(cert, tuple) else (cert, None)
    version = cloud._get_version_request('compute', None)
    services = ['compute', 'image', 'network']
    return {
        'name': cloud.name,
        'authUrl': plugin.auth_url,
        'auth': token_request(plugin, plugin.auth_url)['auth'],
        'region': cloud.region_name or None,
        'interfaces': {one: (cloud.get_interface(one) or 'public').removesuffix('URL') for one in services},
        'overrides': {one: cloud.get_endpoint(one) for one in services if cloud.get_endpoint(one)},
        'verify': verify is not False,
        'ca': content(verify) if isinstance(verify, str) else None,
        'cert': content(cert),
        'key': content(key),
        'microversion': version.default_microversion,
    }


def in_child(layout):
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            found = resolve(layout)
        except Exception as error:  # what the library refuses, whatever it raises
            found = {'refused': '%s: %s' % (type(error).__name__, error)}
        with os.fdopen(writer, 'w') as out:
            json.dump(found, out)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        found = json.load(answer)
    os.waitpid(pid, 0)
    return found


json.dump([in_child(layout) for layout in json.load(sys.stdin)], sys.stdout)
