{% macro keep_lease(staged, silent) %}
    {%- set due = lease_seconds() // 3 -%}
    {%- if silent is none -%}
        {%- do drop_relation(staged) -%}
        {%- do exceptions.raise_compiler_error(
            this ~ ' was not changed: this build renewed its lease too late, so it was presumed dead, and another build has'
            ~ ' taken over its lease. Check what that build did, then run this again'
        ) -%}
    {%- elif silent | int > due -%}
        {#- If several models of one build renew at once, all but the first find nothing to do. -#}
        {%- set now = 'cast(to_unixtime(current_timestamp) as bigint)' -%}
        {%- do run_query(
            'update ' ~ ops_relation('lease') ~ ' set renewed_at = ' ~ now
            ~ " where holder = '" ~ invocation_id ~ "' and renewed_at < " ~ now ~ ' - ' ~ due
        ) -%}
    {%- endif -%}
{% endmacro %}
