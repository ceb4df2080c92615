{% macro lease_seconds() %}
    {#- Longer than any statement may take, because a lease is renewed between two of them: Athena stops after 30 minutes. -#}
    {{ return(env_var('DM_BUILD_LEASE_SECONDS', '300' if target.name == 'local' else '2400') | int) }}
{% endmacro %}
