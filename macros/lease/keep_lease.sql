{% macro keep_lease(staged, silent) %}
    {%- if silent is none -%}
        {%- do drop_relation(staged) -%}
        {%- do exceptions.raise_compiler_error(
            this ~ ' was not changed: this build was silent for too long, was given up for dead, and another one has'
            ~ ' taken over its lease. Look at what that one did, then run this again'
        ) -%}
    {%- elif silent | int > lease_seconds() // 3 -%}
        {#- Rarely, because the models of a build would be in each other's way. -#}
        {%- do run_query(
            'update ' ~ lease_relation() ~ ' set renewed_at = cast(to_unixtime(current_timestamp) as bigint)'
            ~ " where holder = '" ~ invocation_id ~ "'"
        ) -%}
    {%- endif -%}
{% endmacro %}
