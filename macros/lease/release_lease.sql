{% macro release_lease() %}
    {%- if takes_lease() and adapter.get_glue_table(ops_relation('lease')) is not none -%}
        {#- A macro cannot catch a MERGE that fails, so the tables staged by such a model still exist. An interrupted run
            has fewer results than nodes. -#}
        {%- set unfinished = results | length < selected_resources | length or results | selectattr('status', 'equalto', 'error') | list -%}
        {%- if unfinished and run_query("select 1 from " ~ ops_relation('lease') ~ " where holder = '" ~ invocation_id ~ "'").rows -%}
            {%- do drop_leftovers() -%}
        {%- endif -%}
        update {{ ops_relation('lease') }} set holder = '', fenced = '' where holder = '{{ invocation_id }}'
    {%- endif -%}
{% endmacro %}
