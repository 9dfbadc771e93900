"""OCPI charge detail records: sessions to CDRs, and the CDRs of others compared with our price."""
