{% macro release_lease() %}
    {%- if takes_lease() and adapter.get_glue_table(lease_relation()) is not none -%}
        {#- A macro cannot catch a MERGE that fails, so what such a model has staged is still there. Of an interrupted
            run there are fewer results than nodes. -#}
        {%- set unfinished = results | length < selected_resources | length or results | selectattr('status', 'equalto', 'error') | list -%}
        {%- if unfinished and run_query("select 1 from " ~ lease_relation() ~ " where holder = '" ~ invocation_id ~ "'").rows -%}
            {%- do drop_leftovers() -%}
        {%- endif -%}
        update {{ lease_relation() }} set holder = '', fenced = '' where holder = '{{ invocation_id }}'
    {%- endif -%}
{% endmacro %}
