{% macro live(relation) -%}
    (select * from {{ relation }} where not _deleted)
{%- endmacro %}
