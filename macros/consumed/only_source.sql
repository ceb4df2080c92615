{% macro only_source() %}
    {%- set sources = [] -%}
    {%- for name in model.sources if not name[1].endswith('_events') -%}{%- do sources.append(name) -%}{%- endfor -%}
    {%- if sources | length != 1 -%}
        {%- do exceptions.raise_compiler_error(
            this ~ ' has ' ~ sources | length ~ ' sources: new_batches() is for a model of one (and its events),'
            ~ ' new_batches(ref(...)) for a state table'
        ) -%}
    {%- endif -%}
    {%- set bronze = source(*sources[0]) -%}
    {%- if is_build() and load_relation(bronze) is none -%}
        {%- do exceptions.raise_compiler_error(
            this ~ ' reads ' ~ bronze ~ ', which does not exist yet: ingest a first file of it (dm ingest run)'
            ~ (', or export DM_BRONZE_PREFIX= for the bronze that all share' if bronze.schema != 'bronze')
        ) -%}
    {%- endif -%}
    {{ return(bronze) }}
{% endmacro %}
