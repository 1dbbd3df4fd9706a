DROP TABLE payments.recon_lines;
