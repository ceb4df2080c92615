"""A plugin of dbt, which imports every module named `dbt_…`: service descriptions are read once a build.

dbt-athena makes a boto3 session for each node, and each session reads anew botocore's list of endpoints
and the description of each service that it asks, megabytes of JSON. Sessions share one loader here; it
holds nothing but these files, and belongs to no credentials, region or thread.
"""

from functools import cache

import botocore.session
from botocore.loaders import create_loader

botocore.session.create_loader = cache(create_loader)
