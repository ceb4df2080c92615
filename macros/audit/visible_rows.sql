{% macro visible_rows(merges) %}
    {%- set conditions = ['not _deleted'] if '_deleted' in model.columns else [] -%}
    {%- if merges and config.get('delete_condition') -%}
        {%- do conditions.append('not (' ~ config.get('delete_condition') | replace('src.', '') ~ ')') -%}
    {%- endif -%}
    {{ return(conditions | join(' and ') or 'true') }}
{% endmacro %}
