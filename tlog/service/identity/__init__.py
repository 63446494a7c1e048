"""Who somebody is, on the word of an OpenID Connect provider: login of people, bearer tokens of services.

The rules (`metadata`, `key_set`, `signed_token`, `id_token`, `access_token`, `claims`, `authorization`, `grants`) do no
I/O; `provider` asks, `login` and `bearer` put both together.
"""
