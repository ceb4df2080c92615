{% macro refuse_hidden_batches(bronze, partitions) %}
    {%- if is_build() and not has_table()
        and not var('without_old_batches', false) -%}
        {#- Numbers have no gaps, so batches missing below the newest were removed; the model would skip them for good. -#}
        {%- set query = 'select coalesce(max(batch), 0) - count(distinct batch) from ' ~ partitions -%}
        {%- set hidden = run_query(query).rows[0][0] | int -%}
        {%- if hidden > 0 -%}
            {%- do exceptions.raise_compiler_error(
                this ~ ' was never built, and ' ~ hidden ~ ' batches of ' ~ bronze ~ ' have been let go, which it would'
                ~ ' pass over for ever. `dm retention run --bronze-days 36500` brings back what is still there; build'
                ~ " then. Where rules have deleted it, build without: --vars 'without_old_batches: true'"
            ) -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
