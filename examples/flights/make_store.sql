-- SPDX-License-Identifier: Apache-2.0
--
-- Makes the lookup store from airports.csv, in the folder that holds both:
--   sqlite3 -bail airports.db < make_store.sql

create table airports (
  iata text primary key not null,
  name text,
  city text,
  state text,
  country text,
  latitude real,
  longitude real
) without rowid;

.import --csv --skip 1 airports.csv airports
