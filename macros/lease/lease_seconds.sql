{% macro lease_seconds() %}
    {#- Longer than any statement may take (Athena stops it after 30 minutes), because a lease is renewed between statements. -#}
    {{ return(env_var('DM_BUILD_LEASE_SECONDS', '300' if target.name == 'local' else '2400') | int) }}
{% endmacro %}
